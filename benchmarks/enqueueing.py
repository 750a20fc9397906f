"""Rates of single enqueues by 32 clients, while a worker listens and has all its slots busy."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from benchmarks import bare
from benchmarks.backlog import fill
from benchmarks.patience import until
from benchmarks.pgbench import pgbench
from benchmarks.place import Place
from benchmarks.tasks import nap, noop
from benchmarks.worker import ROOT, serving

PROCESSES = 4
THREADS = 8

# Twenty a second in each of 25 slots: they are busy, and leave the cores to the producers.
_NAP_SECONDS = 0.05
_SLOTS = 25
_SPARE_SECONDS = 60

_HAS_BEGUN = "select count(*) > 0 from pgqueue.attempts"
_QUEUED = "select count(*) from pgqueue.jobs where task = %s and status = 'queued'"
_READY_SECONDS_MAX = 60.0


def by_processes(place: Place, *, kind: str, seconds: float) -> float:
    """Jobs a second of four processes with eight threads each.

    Args:
        kind: `ours` or `bare`; see `producer`.
    """
    with _busy(place, seconds) as url:
        words = ["-m", "benchmarks.producer", kind, url, str(seconds), str(THREADS)]
        producers = [
            subprocess.Popen(
                [sys.executable, *words],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(PROCESSES)
        ]
        try:
            told = _conducted(producers)
        finally:
            for each in producers:
                each.kill()
                each.communicate()
        committed = sum(count for count, _ in told)
        _check(url, noop.name, committed)
        return committed / max(took for _, took in told)


def by_pgbench(place: Place, *, kind: str, seconds: float) -> float:
    """Jobs a second of the statement alone, sent by pgbench's 32 clients."""
    with _busy(place, seconds) as url:
        with psycopg.connect(url, cursor_factory=psycopg.ClientCursor) as connection:
            text = bare.OURS if kind == "ours" else bare.TEXT
            script = psycopg.ClientCursor(connection).mogrify(text, bare.params(1))
        script = script.strip().removesuffix(";") + ";\n"
        words = ("-T", str(max(1, round(seconds))))
        return pgbench(place, url, script, *words, clients=PROCESSES * THREADS)


def _conducted(producers: "list[subprocess.Popen[str]]") -> list[tuple[int, float]]:
    for each in producers:
        assert each.stdout is not None
        if each.stdout.readline() != "ready\n":
            raise RuntimeError("A producer did not start.")
    for each in producers:
        assert each.stdin is not None
        each.stdin.write("begin\n")
        each.stdin.flush()
    told = []
    for each in producers:
        assert each.stdout is not None
        count, seconds = each.stdout.readline().split()
        told.append((int(count), float(seconds)))
    return told


@contextmanager
def _busy(place: Place, seconds: float) -> Iterator[str]:
    """A database whose worker has no free slot, from now to the end of the block."""
    with place.database() as url:
        jobs = round((seconds + _SPARE_SECONDS) * _SLOTS / _NAP_SECONDS)
        fill(url, jobs, task=f"'{nap.name}'", args={"seconds": _NAP_SECONDS})
        with serving(url), psycopg.connect(url, autocommit=True) as connection:

            def has_begun() -> bool:
                [(is_so,)] = connection.execute(_HAS_BEGUN).fetchall()
                return bool(is_so)

            until(has_begun, "the worker is busy", seconds_max=_READY_SECONDS_MAX)
            yield url
            _check(url, nap.name, at_least=1)


def _check(url: str, task: str, exactly: int | None = None, *, at_least: int = 0) -> None:
    with psycopg.connect(url) as connection:
        [(count,)] = connection.execute(_QUEUED, [task]).fetchall()
    if count < at_least or exactly not in (None, count):
        raise ValueError(f"{count} jobs of {task} are queued, and {exactly or at_least} should be.")
