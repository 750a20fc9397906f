"""Each value, as a result, an error, a log line and progress: stored, marked where it is changed.

One run of real workers takes all of them, each with a healthy neighbour; then the rows are read.
"""

from typing import Any

import pytest
from matrix.exceptions import EXCEPTIONS
from matrix.objects import OBJECTS
from matrix.runs import EXECUTORS, PLACES, RUNS, Run
from matrix.texts import TEXTS
from matrix.values import VALUES

from pgqueue import Client
from pgqueue.core.job import Attempt, Job
from pgqueue.core.values.clean_text import clean_text
from pgqueue.store.connection.link import Link

ERROR_BYTES_MAX = 65_536
LINE_BYTES_MAX = 16_384
PROGRESS_BYTES_MAX = 1_000

HOSTILE = [*OBJECTS, *EXCEPTIONS]

_LOOP_SECONDS = 0.3

Story = tuple[Job, Attempt]


@pytest.fixture(scope="module")
def ids(client: Client, link: Link, work: Any) -> dict[tuple[str, str, str], int]:
    """The job of each run by task, place and value, when all have run."""
    for task, healthy in EXECUTORS.values():
        for number, value in enumerate(VALUES):
            timed = task.using(timeout=_LOOP_SECONDS) if value.loops else task
            timed.enqueue_many({"place": place, "value": value.name} for place in PLACES)
            healthy.enqueue_many({"n": number} for _ in PLACES)
    settings = {"PGQUEUE_PREFETCH_MAX": "20", "PGQUEUE_TIMEOUT_GRACE_SECONDS": "60"}
    assert 0 == work("--greenlets", "20", "--coroutines", "20", **settings)
    rows = link.fetch(
        "select task, args ->> 'place', args ->> 'value', id from pgqueue.jobs "
        "where args ? 'value'",
        {},
    )
    return {(task, place, value): job_id for task, place, value, job_id in rows}


@pytest.fixture
def story(run: Run, ids: dict[tuple[str, str, str], int], client: Client) -> Story:
    """The job of a run and its only attempt, besides those that never began."""
    task, _ = EXECUTORS[run.executor]
    job = client.job(ids[task.name, run.place, run.value.name])
    *before, attempt = job.attempts()
    assert {"NotStarted"} >= {each.error_type for each in before}
    return job, attempt


def runs(place: str) -> Any:
    """Make a test of every run in one place."""
    chosen = [run for run in RUNS if run.place == place]
    return pytest.mark.parametrize("run", chosen, ids=str)


@runs("as_result")
def test_a_result_is_stored_and_marked_unless_it_is_whole(run: Run, story: Story) -> None:
    job, attempt = story

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
def test_an_error_is_told_whatever_it_is(run: Run, story: Story) -> None:
    job, attempt = story

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
def test_a_line_is_kept_whatever_it_holds(run: Run, story: Story) -> None:
    job, _ = story
    lines = [line.message for line in job.logs()]

    assert all(len(line.encode()) <= LINE_BYTES_MAX for line in lines)
    if job.status == "succeeded":
        assert 2 == len(lines)
    else:
        # Python's own logging looks at what it is given, before any handler of ours.
        assert run.value in HOSTILE
    if run.value in TEXTS:
        text = run.value.make()
        expected = [clean_text(each, LINE_BYTES_MAX) for each in (text, f"this is {text}")]
        assert expected == lines


@runs("as_progress")
def test_progress_is_stored_or_refused_by_name(run: Run, story: Story) -> None:
    job, attempt = story

    if run.value in TEXTS:
        expected = clean_text(run.value.make(), PROGRESS_BYTES_MAX)
        assert ("succeeded", 0.5, expected) == (job.status, job.progress, job.progress_message)
    elif job.status != "succeeded":
        assert ("failed", "InvalidOption") == (job.status, attempt.error_type)
        assert (attempt.error_message or "").startswith("message=")


@pytest.mark.parametrize("executor", EXECUTORS)
def test_every_neighbour_succeeds_uncharged(
    executor: str, ids: dict[tuple[str, str, str], int], link: Link
) -> None:
    _, healthy = EXECUTORS[executor]

    found = link.fetch(
        "select status, failure_count, lost_count, result = args -> 'n', count(*) "
        "from pgqueue.jobs where task = %(task)s group by 1, 2, 3, 4",
        {"task": healthy.name},
    )

    assert [("succeeded", 0, 0, True, len(VALUES) * len(PLACES))] == found


def test_no_worker_died(ids: dict[tuple[str, str, str], int], client: Client) -> None:
    workers = client.workers.list(with_stopped=True)

    assert {"stopped"} == {worker.stop_reason for worker in workers}
    assert len(EXECUTORS) == len(workers)
