"""Each value as a result, an error, a log line and progress is stored, and changes are marked.

Real workers run all jobs once, each beside a healthy job; then the tests read the rows.
"""

from typing import Any

import pytest
from matrix.exceptions import EXCEPTIONS
from matrix.objects import OBJECTS
from matrix.runs import EXECUTORS, RUNS, TARGETS, Run
from matrix.texts import TEXTS
from matrix.values import VALUES

from pgqueue import Client
from pgqueue.core.job import Attempt, Job
from pgqueue.core.values.clean_text import clean_text
from pgqueue.store.connection.link import Link

# The first test of the file runs all of its jobs, which takes minutes beside other work.
pytestmark = pytest.mark.timeout(400)

ERROR_BYTES_MAX = 65_536
LINE_BYTES_MAX = 16_384
PROGRESS_BYTES_MAX = 1_000

HOSTILE = [*OBJECTS, *EXCEPTIONS]

_LOOP_SECONDS = 0.3

JobAndAttempt = tuple[Job, Attempt]


@pytest.fixture(scope="module")
def ids(client: Client, link: Link, work: Any) -> dict[tuple[str, str, str], int]:
    """The job of each run by task, use and value, after all have run."""
    for task, healthy in EXECUTORS.values():
        for number, value in enumerate(VALUES):
            timed = task.using(timeout=_LOOP_SECONDS) if value.loops else task
            timed.enqueue_many({"target": target, "value": value.name} for target in TARGETS)
            healthy.enqueue_many({"n": number} for _ in TARGETS)
    settings = {"PGQUEUE_PREFETCH_MAX": "20", "PGQUEUE_TIMEOUT_GRACE_SECONDS": "60"}
    assert 0 == work("--greenlets", "20", "--coroutines", "20", **settings)
    rows = link.fetch(
        "select task, args ->> 'target', args ->> 'value', id from pgqueue.jobs "
        "where args ? 'value'",
        {},
    )
    return {(task, target, value): job_id for task, target, value, job_id in rows}


@pytest.fixture
def job_and_attempt(
    run: Run, ids: dict[tuple[str, str, str], int], client: Client
) -> JobAndAttempt:
    """The job of a run, and its only attempt that started."""
    task, _ = EXECUTORS[run.executor]
    job = client.job(ids[task.name, run.target, run.value.name])
    *before, attempt = job.attempts()
    assert {"NotStarted"} >= {earlier.error_type for earlier in before}
    return job, attempt


def runs(target: str) -> Any:
    """A parametrization with every run of one use."""
    chosen = [run for run in RUNS if run.target == target]
    return pytest.mark.parametrize("run", chosen, ids=str)


@runs("as_result")
def test_a_result_is_stored_and_marked_if_it_was_changed(
    run: Run, job_and_attempt: JobAndAttempt
) -> None:
    job, attempt = job_and_attempt

    if run.value.is_unfinished:
        assert ("failed", "failed", "TypeError") == (
            job.status,
            attempt.outcome,
            attempt.error_type,
        )
        return
    assert ("succeeded", "succeeded") == (job.status, attempt.outcome)
    if attempt.error_type is None:
        assert job.result is None or "\ufffd" not in str(job.result)
    else:
        assert attempt.error_type in ("UnstorableValue", "ResultTooLarge")
        assert "esult" in (attempt.error_message or "")
        assert "\ufffd" in str(job.result)
    if "argument" in run.value.fits:
        assert (None, run.value.make()) == (attempt.error_type, job.result)


@runs("as_error")
def test_every_error_is_recorded_within_its_limits(
    run: Run, job_and_attempt: JobAndAttempt
) -> None:
    job, attempt = job_and_attempt

    assert "failed" == job.status
    assert "failed" == attempt.outcome or (run.value.loops and "timed_out" == attempt.outcome)
    assert attempt.error_type
    assert attempt.traceback
    assert attempt.error_message is not None
    assert len(attempt.traceback.encode()) <= ERROR_BYTES_MAX
    assert len(attempt.error_message.encode()) <= ERROR_BYTES_MAX
    if run.value in TEXTS:
        expected = clean_text(run.value.make(), ERROR_BYTES_MAX)
        assert ("ValueError", expected) == (attempt.error_type, attempt.error_message)


@runs("as_log")
def test_every_log_line_is_stored_within_its_limit(
    run: Run, job_and_attempt: JobAndAttempt
) -> None:
    job, _ = job_and_attempt
    lines = [line.message for line in job.logs()]

    assert all(len(line.encode()) <= LINE_BYTES_MAX for line in lines)
    if job.status == "succeeded":
        assert 2 == len(lines)
    else:
        # Python's logging formats the value before any handler of ours.
        assert run.value in HOSTILE
    if run.value in TEXTS:
        text = run.value.make()
        expected = [clean_text(line, LINE_BYTES_MAX) for line in (text, f"this is {text}")]
        assert expected == lines


@runs("as_progress")
def test_progress_is_stored_or_refused_by_name(run: Run, job_and_attempt: JobAndAttempt) -> None:
    job, attempt = job_and_attempt

    if run.value in TEXTS:
        expected = clean_text(run.value.make(), PROGRESS_BYTES_MAX)
        assert ("succeeded", 0.5, expected) == (job.status, job.progress, job.progress_message)
    elif job.status != "succeeded":
        assert ("failed", "InvalidOption") == (job.status, attempt.error_type)
        assert (attempt.error_message or "").startswith("message=")


@pytest.mark.parametrize("executor", EXECUTORS)
def test_every_healthy_job_succeeds_without_a_failure_or_a_loss(
    executor: str, ids: dict[tuple[str, str, str], int], link: Link
) -> None:
    _, healthy = EXECUTORS[executor]

    rows = link.fetch(
        "select status, failure_count, lost_count, result = args -> 'n', count(*) "
        "from pgqueue.jobs where task = %(task)s group by 1, 2, 3, 4",
        {"task": healthy.name},
    )

    assert [("succeeded", 0, 0, True, len(VALUES) * len(TARGETS))] == rows


def test_no_worker_died(ids: dict[tuple[str, str, str], int], client: Client) -> None:
    workers = client.workers.list(with_stopped=True)

    assert {"stopped"} == {worker.stop_reason for worker in workers}
    assert len(EXECUTORS) == len(workers)
