"""Rates of single enqueues by 32 clients, beside a worker whose slots are all busy."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from benchmarks import bare
from benchmarks.backlog import fill
from benchmarks.pgbench import pgbench
from benchmarks.server import Server
from benchmarks.tasks import nap, noop
from benchmarks.waiting import wait_until
from benchmarks.worker import ROOT, serving

PROCESSES = 4
THREADS = 8

# Twenty jobs a second keep each of 25 slots busy, and leave the cores to the producers.
_NAP_SECONDS = 0.05
_SLOTS = 25
_SPARE_SECONDS = 60

_HAS_STARTED = "select count(*) > 0 from pgqueue.attempts"
_QUEUED = "select count(*) from pgqueue.jobs where task = %s and status = 'queued'"
_READY_SECONDS_MAX = 60.0


def by_processes(server: Server, *, kind: str, seconds: float) -> float:
    """Jobs a second of four processes with eight threads each.

    Args:
        kind: `ours` or `bare`; see `producer`.
    """
    with _busy(server, seconds) as url:
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
            results = _results_of(producers)
        finally:
            for producer in producers:
                producer.kill()
                producer.communicate()
        committed = sum(count for count, _ in results)
        _check(url, noop.name, committed)
        return committed / max(took for _, took in results)


def by_pgbench(server: Server, *, kind: str, seconds: float) -> float:
    """Jobs a second of the statement alone, sent by pgbench's 32 clients."""
    with _busy(server, seconds) as url:
        with psycopg.connect(url, cursor_factory=psycopg.ClientCursor) as connection:
            text = bare.OURS if kind == "ours" else bare.TEXT
            script = psycopg.ClientCursor(connection).mogrify(text, bare.params(1))
        script = script.strip().removesuffix(";") + ";\n"
        words = ("-T", str(max(1, round(seconds))))
        return pgbench(server, url, script, *words, clients=PROCESSES * THREADS)


def _results_of(producers: "list[subprocess.Popen[str]]") -> list[tuple[int, float]]:
    for producer in producers:
        assert producer.stdout is not None
        if producer.stdout.readline() != "ready\n":
            raise RuntimeError("A producer did not start.")
    for producer in producers:
        assert producer.stdin is not None
        producer.stdin.write("begin\n")
        producer.stdin.flush()
    results = []
    for producer in producers:
        assert producer.stdout is not None
        count, seconds = producer.stdout.readline().split()
        results.append((int(count), float(seconds)))
    return results


@contextmanager
def _busy(server: Server, seconds: float) -> Iterator[str]:
    """The URL of a database whose worker has no free slot during the block."""
    with server.database() as url:
        jobs = round((seconds + _SPARE_SECONDS) * _SLOTS / _NAP_SECONDS)
        fill(url, jobs, task=f"'{nap.name}'", args={"seconds": _NAP_SECONDS})
        with serving(url), psycopg.connect(url, autocommit=True) as connection:

            def is_busy() -> bool:
                [(has_started,)] = connection.execute(_HAS_STARTED).fetchall()
                return bool(has_started)

            wait_until(is_busy, "the worker is busy", seconds_max=_READY_SECONDS_MAX)
            yield url
            _check(url, nap.name, at_least=1)


def _check(url: str, task: str, exactly: int | None = None, *, at_least: int = 0) -> None:
    with psycopg.connect(url) as connection:
        [(count,)] = connection.execute(_QUEUED, [task]).fetchall()
    if count < at_least or exactly not in (None, count):
        raise ValueError(f"{count} jobs of {task} are queued instead of {exactly or at_least}.")
