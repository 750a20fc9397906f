"""What a lone job costs among many idle supervisors, and what these cost at rest."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil
import psycopg

from benchmarks.delays import committed, delays
from benchmarks.measurement import Measurement, percentile, ratio
from benchmarks.server import Server, name_of
from benchmarks.statements import Statements
from benchmarks.tasks import noop
from benchmarks.waiting import wait_until
from benchmarks.worker import READY, starting

# The scans that follow a start or a job are over after this time.
_SETTLE_SECONDS = 45.0

# A lone job: the scans after the one before it are over.
_EVERY_SECONDS = 2.0

# So many jobs that each worker has had some; with pauses, so that no storm begins.
_FIRST_JOBS = 8
_FIRST_SECONDS = 0.05

_BURSTS = 5
_LAST_SECONDS = """
select extract(epoch from max(started_at))::float8
from pgqueue.attempts
where job_id > %s
"""
_LAST_ID = "select coalesce(max(id), 0) from pgqueue.jobs"
_STARTED = "select count(*) from pgqueue.attempts where job_id > %s"


class _Fleet(NamedTuple):
    """What was measured of one fleet; statements and CPU of a job are beyond those at rest."""

    rest_statements: float
    job_statements: float
    job_cpu_ms: float
    start_p50: float
    burst_ms: Mapping[int, float]


def fleet(
    server: Server, *, supervisors: int, count: int, rest_seconds: float
) -> Mapping[str, Measurement]:
    """The figures of *supervisors* idle supervisors, and their ratios to those of one.

    Args:
        count: Lone jobs.
        rest_seconds: How long the fleet is watched without a job.
    """
    one, many = (
        _measured(server, size, count, rest_seconds if size > 1 else min(10.0, rest_seconds))
        for size in (1, supervisors)
    )
    return {
        "rest": Measurement(many.rest_statements),
        "statements": Measurement(many.job_statements),
        "cpu": ratio(many.job_cpu_ms, one.job_cpu_ms),
        "start": ratio(many.start_p50, one.start_p50),
        **{
            f"burst{size}": ratio(many.burst_ms[size], one.burst_ms[size]) for size in many.burst_ms
        },
    }


def _measured(server: Server, supervisors: int, count: int, rest_seconds: float) -> _Fleet:
    with server.database() as url:
        statements = Statements(server, url)
        with _serving(url, supervisors), psycopg.connect(url) as connection:
            for n in range(_FIRST_JOBS * supervisors):
                # Each worker plans its statements and resolves the type hints of its tasks first.
                noop.using(connection=connection).enqueue(n)
                connection.commit()
                time.sleep(_FIRST_SECONDS)
            time.sleep(_SETTLE_SECONDS)
            rest = _Watch(server, statements)
            time.sleep(rest_seconds)
            rest_rate, rest_cpu = rest.rates()
            jobs = _Watch(server, statements)
            commits = list(committed(connection, count, _EVERY_SECONDS, priority=0))
            time.sleep(_EVERY_SECONDS)
            job_rate, job_cpu = jobs.rates()
            each = jobs.seconds / count
            starts = delays(url, {job.job_id: job.at for job in commits}, unit_seconds=1e-3)
            bursts = {size: _burst_ms(connection, size) for size in (10, 1_000)}
    return _Fleet(
        rest_statements=rest_rate,
        job_statements=(job_rate - rest_rate) * each,
        job_cpu_ms=(job_cpu - rest_cpu) * each * 1e3,
        start_p50=starts["p50"].value,
        burst_ms=bursts,
    )


class _Watch:
    """The statements of workers and the CPU seconds of the server since now."""

    def __init__(self, server: Server, statements: Statements) -> None:
        self._server = server
        self._statements = statements
        self._position = statements.position()
        self._cpu = _cpu_seconds(server)
        self._began_at = time.monotonic()
        self.seconds = 0.0

    def rates(self) -> tuple[float, float]:
        """Statements a second, and CPU seconds a second."""
        self.seconds = time.monotonic() - self._began_at
        ours, _ = self._statements.since(self._position)
        cpu = _cpu_seconds(self._server) - self._cpu
        return len(ours) / self.seconds, cpu / self.seconds


def _cpu_seconds(server: Server) -> float:
    # `psutil` counts in hundredths of a second, which is longer than most backends run.
    postmaster = psutil.Process(server.pid)
    processes = [postmaster, *postmaster.children(recursive=True)]
    texts = [Path(f"/proc/{process.pid}/schedstat").read_text() for process in processes]
    return sum(int(text.split()[0]) for text in texts) * 1e-9


def _burst_ms(connection: "psycopg.Connection[tuple[object, ...]]", size: int) -> float:
    """Milliseconds from the commit of *size* jobs to the start of the last, the median of five."""
    samples = []
    for _ in range(_BURSTS):
        time.sleep(_EVERY_SECONDS)
        [(last_id,)] = connection.execute(_LAST_ID).fetchall()
        noop.using(connection=connection).enqueue_many({"n": n} for n in range(size))
        at = time.time()
        connection.commit()

        def are_started(last_id: object = last_id) -> bool:
            [(started,)] = connection.execute(_STARTED, [last_id]).fetchall()
            connection.commit()
            return bool(started == size)

        wait_until(are_started, f"{size} jobs have started", seconds_max=60.0, pause=0.05)
        [(last,)] = connection.execute(_LAST_SECONDS, [last_id]).fetchall()
        connection.commit()
        samples.append((float(str(last)) - at) * 1e3)
    return percentile(samples, 50)


@contextmanager
def _serving(url: str, supervisors: int) -> Iterator[None]:
    with ExitStack() as stack:
        processes = [stack.enter_context(starting(url)) for _ in range(supervisors)]
        with psycopg.connect(url, autocommit=True) as connection:

            def are_ready() -> bool:
                [(ready,)] = connection.execute(READY, [name_of(url)]).fetchall()
                has_ended = any(process.poll() is not None for process in processes)
                return has_ended or ready >= supervisors

            wait_until(are_ready, f"{supervisors} supervisors are ready", seconds_max=300.0)
        yield
