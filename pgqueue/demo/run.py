"""One run of the demo: enqueue, run the jobs, kill a worker meanwhile, and check every number.

The command line prints the answers of `Run`. Every number in the report is read back from the
application's rows and pgqueue's tables.
"""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from pgqueue import Client
from pgqueue.demo import sources
from pgqueue.demo.tasks import SERVER_VARIABLE, URL_VARIABLE, fetch_source, measure, measure_source

# One file in this many, the application rolls its transaction back.
_ROLLBACK_EVERY = 25

_SECONDS_MAX = 110.0
_POLL_SECONDS = 0.2

_TABLE = """
create table if not exists demo_files (
  id bigint generated always as identity primary key,
  queue text not null,
  path text not null,
  source bytea,
  line_count integer,
  function_count integer,
  class_count integer,
  measured_count integer not null default 0
)
"""

QUERIES = {
    "How each task's attempts ended": """
select job.task, attempt.outcome, count(*) as attempts
from pgqueue.attempts as attempt
join pgqueue.jobs as job on job.id = attempt.job_id
where job.queue = %(queue)s
group by job.task, attempt.outcome
order by job.task, attempts desc""",
    "What failed, and why": """
select last.error_type, count(*) as jobs, left(max(last.error_message), 48) as example
from pgqueue.jobs as job
join pgqueue.attempts as last on last.job_id = job.id and last.attempt = job.attempt
where job.queue = %(queue)s and job.status = 'failed'
group by last.error_type
order by jobs desc""",
    "Every attempt of one job that the killed worker was running": """
select job.id, attempt.attempt, attempt.outcome, attempt.worker_id,
  left(coalesce(attempt.error_message, ''), 60) as what_happened
from pgqueue.attempts as attempt
join pgqueue.jobs as job on job.id = attempt.job_id
where job.id = (
  select min(lost.job_id)
  from pgqueue.attempts as lost
  join pgqueue.jobs as other on other.id = lost.job_id
  where other.queue = %(queue)s and lost.outcome = 'lost'
)
order by attempt.attempt""",
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The progress of a run."""

    file_count: int
    fetched_count: int
    measured_count: int
    failed_count: int
    is_killed: bool


@dataclass(slots=True)
class Report:
    """The numbers of a run; `problems` is empty when they all agree."""

    file_count: int = 0
    rolled_back_count: int = 0
    job_count: int = 0
    measured_count: int = 0
    failed_count: int = 0
    lost_attempt_count: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    @property
    def jobs_per_second(self) -> float:
        """Finished jobs by the seconds from the first worker's start to the last job's end."""
        return self.job_count / self.seconds if self.seconds else 0.0


class Run:
    """One run, with a queue of its own, so that runs never mix.

    Args:
        url: The database, migrated, in libpq's form.
        schema: The schema of pgqueue's tables.
    """

    def __init__(self, url: str, schema: str = "pgqueue") -> None:
        self.url = url
        self.schema = schema
        self.queue = f"demo-{uuid.uuid4().hex[:12]}"
        self.report = Report()
        self._connection: psycopg.Connection[Any] = psycopg.connect(url, autocommit=True)
        self._connection.execute("set client_min_messages = warning")
        self._connection.execute(_TABLE)
        self._killed_pid: int | None = None

    def enqueue(self) -> Iterator[int]:
        """Insert a row and its job in one transaction, for each file; yields the count so far."""
        for file_number, path in enumerate(sources.paths(), start=1):
            is_rolled_back = file_number % _ROLLBACK_EVERY == 0
            with self._connection.transaction(force_rollback=is_rolled_back):
                row = self._connection.execute(
                    "insert into demo_files (queue, path) values (%s, %s) returning id",
                    (self.queue, path),
                ).fetchone()
                assert row is not None
                fetch = fetch_source.using(connection=self._connection, queue=self.queue)
                fetch.enqueue(row[0])
            if is_rolled_back:
                self.report.rolled_back_count += 1
            yield file_number

    def work(self) -> Iterator[Snapshot]:
        """Run workers until every job is final, and kill one of them; yields the progress."""
        began_at = time.monotonic()
        with sources.Server() as server:
            worker = self._start_worker(server)
            try:
                while True:
                    snapshot = self._snapshot()
                    yield snapshot
                    finished = snapshot.measured_count + snapshot.failed_count
                    if finished >= snapshot.file_count:
                        break
                    if time.monotonic() - began_at > _SECONDS_MAX:
                        self.report.problems.append(f"not finished after {_SECONDS_MAX:g} s")
                        break
                    if worker.poll() is not None:
                        self.report.problems.append("the supervisor ended before the jobs")
                        break
                    if snapshot.fetched_count > snapshot.file_count // 3:
                        self._kill_worker()
                    time.sleep(_POLL_SECONDS)
                self.report.seconds = time.monotonic() - began_at
            finally:
                worker.send_signal(signal.SIGTERM)
                worker.wait(timeout=30)

    def check(self) -> Report:
        """Compare pgqueue's tables with the application's rows, and both with the files."""
        report = self.report
        add_problem = report.problems.append
        files = self._all(
            "select id, path, source is not null, measured_count from demo_files where queue = %s"
        )
        report.file_count = len(files)
        expected = len(sources.paths()) - report.rolled_back_count
        if report.file_count != expected:
            add_problem(f"{expected} rows were committed and {report.file_count} exist")
        fetches = self._jobs(fetch_source.name)
        measures = self._jobs(measure_source.name)
        report.job_count = len(fetches) + len(measures)
        ids = [file_id for file_id, _, _, _ in files]
        for name, jobs in (("fetch", fetches), ("measure", measures)):
            job_ids = sorted(file_id for file_id, _ in jobs)
            if job_ids != sorted(ids):
                add_problem(
                    f"{name}: {len(ids)} rows have {len(job_ids)} jobs, for {len(set(job_ids))} of "
                    "the rows"
                )
        if any(status != "succeeded" for _, status in fetches):
            add_problem("not every file was fetched")
        status_of = dict(measures)
        for file_id, path, is_fetched, measured_count in files:
            if not is_fetched:
                add_problem(f"{path} has no source")
            parses = _parses(path)
            if measured_count != (1 if parses else 0):
                add_problem(f"{path} was measured {measured_count} times")
            if status_of.get(file_id) != ("succeeded" if parses else "failed"):
                add_problem(
                    f"{path} {'parses' if parses else 'is broken'}: {status_of.get(file_id)}"
                )
            report.measured_count += measured_count
            report.failed_count += not parses
        report.lost_attempt_count = self._count_attempts("lost")
        if self._killed_pid is None:
            add_problem("no worker was killed")
        if self._count_attempts("failed") != 2 * report.failed_count:
            add_problem("a broken file was not tried twice")
        self._check_tracebacks()
        return report

    def answers(self) -> Iterator[tuple[str, str, list[str], list[tuple[Any, ...]]]]:
        """Each query of the report: title, SQL, column names, rows."""
        for title, query in QUERIES.items():
            text = query.strip().replace("pgqueue.", f'"{self.schema}".')
            with self._connection.cursor() as cursor:
                cursor.execute(text.encode(), {"queue": self.queue})
                names = [column.name for column in cursor.description or ()]
                printed = query.strip().replace("%(queue)s", f"'{self.queue}'")
                yield title, printed, names, cursor.fetchall()

    def close(self) -> None:
        """Drop the application's rows of this run, and its connection."""
        self._connection.execute("delete from demo_files where queue = %s", (self.queue,))
        self._connection.close()

    def _start_worker(self, server: str) -> "subprocess.Popen[bytes]":
        environment = {
            **os.environ,
            URL_VARIABLE: self.url,
            SERVER_VARIABLE: server,
            "PGQUEUE_URL": self.url,
            "PGQUEUE_SCHEMA": self.schema,
            "PGQUEUE_LOG_LEVEL": "ERROR",
        }
        arguments = [self.queue, "--tasks", "pgqueue.demo.tasks", "--processes", "2", "--cpus", "2"]
        return subprocess.Popen(
            [sys.executable, "-m", "pgqueue", "worker", *arguments],
            env=environment,
            cwd=Path.cwd(),
        )

    def _snapshot(self) -> Snapshot:
        fetched, measured, total = self._all(
            "select count(source), count(line_count), count(*) from demo_files where queue = %s"
        )[0]
        failed = len([1 for _, status in self._jobs(measure_source.name) if status == "failed"])
        return Snapshot(total, fetched, measured, failed, self._killed_pid is not None)

    def _kill_worker(self) -> None:
        # The worker must be running jobs at this moment, so that attempts are really lost.
        if self._killed_pid is not None:
            return
        rows = self._all(
            f'select worker.pid from "{self.schema}".workers as worker '
            f'join "{self.schema}".jobs as job on job.worker_id = worker.id '
            "where job.queue = %s and job.status = 'running' and worker.executor = 'greenlet' "
            "and worker.stopped_at is null limit 1"
        )
        if rows:
            self._killed_pid = rows[0][0]
            os.kill(rows[0][0], signal.SIGKILL)

    def _check_tracebacks(self) -> None:
        client = Client(self.url, schema=self.schema)
        with client:
            for job in client.jobs(status="failed", queue=self.queue, limit=1000):
                last = job.attempts()[-1]
                if "measure(source, path)" not in (last.traceback or ""):
                    self.report.problems.append(
                        f"job {job.id} failed without the traceback of its task"
                    )

    def _jobs(self, task: str) -> list[tuple[int, str]]:
        rows = self._connection.execute(
            f"select (job.args ->> 'file_id')::bigint, job.status from \"{self.schema}\".jobs "
            "as job where job.queue = %s and job.task = %s".encode(),
            (self.queue, task),
        ).fetchall()
        return [(row[0], row[1]) for row in rows]

    def _count_attempts(self, outcome: str) -> int:
        row = self._connection.execute(
            f'select count(*) from "{self.schema}".attempts as attempt '
            f'join "{self.schema}".jobs as job on job.id = attempt.job_id '
            "where job.queue = %s and attempt.outcome = %s".encode(),
            (self.queue, outcome),
        ).fetchone()
        return int(row[0]) if row else 0

    def _all(self, text: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(text.encode(), (self.queue,)).fetchall()


def _parses(path: str) -> bool:
    try:
        measure(sources.read(path), path)
    except Exception:
        return False
    return True
