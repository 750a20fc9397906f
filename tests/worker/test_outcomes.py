"""How jobs end, as the tables show after a real burst."""

from typing import Any

import pytest

from pgqueue import Client, Retry


def test_a_job_runs_and_its_result_logs_and_attempt_are_stored(client: Client, burst: Any) -> None:
    job = client.enqueue("shop.tasks.add", {"a": 1})

    burst()

    done = client.job(job.id)
    assert ("succeeded", 3, 1) == (done.status, done.result, done.attempt)
    [attempt] = done.attempts()
    assert "succeeded" == attempt.outcome
    assert done.created_at <= attempt.started_at <= attempt.finished_at
    assert [
        ("INFO", "shop.deep.inside", "adding 1"),
        ("WARNING", "pgqueue.job", "from the job's own logger"),
    ] == [(line.level, line.logger, line.message) for line in done.logs()]


def test_a_failing_job_is_tried_as_often_as_its_row_says(client: Client, fleet: Any) -> None:
    retry = Retry(max_attempts=3, base=0.01)
    job = client.enqueue("shop.tasks.fail", {"n": 7}, retry=retry)

    fleet().until(lambda: client.job(job.id).status == "failed", "failed")

    done = client.job(job.id)
    attempts = done.attempts()
    assert 3 == done.failure_count
    assert ["failed"] * 3 == [attempt.outcome for attempt in attempts]
    assert "ValueError: outer 7" == done.error
    assert "KeyError: 'inner'" in (attempts[0].traceback or "")
    assert "direct cause" in (attempts[0].traceback or "")


# The status of a job of each task, and the outcomes of its attempts. A worker runs those of one
# line together: the others block it or end it.
_ENDS: list[dict[str, tuple[str, list[str]]]] = [
    {
        "fail_for_good": ("failed", ["failed"]),
        "exit_at_once": ("failed", ["failed"]),
        "snooze_once": ("succeeded", ["snoozed", "succeeded"]),
        "async_snooze_in_a_group": ("succeeded", ["snoozed", "succeeded"]),
        "cancel_itself": ("cancelled", ["cancelled"]),
        "huge_result": ("succeeded", ["succeeded"]),
        "strange_result": ("succeeded", ["succeeded"]),
        "unprintable_error": ("failed", ["failed"]),
        "nul_in_error": ("failed", ["failed"]),
        "interrupt_itself": ("failed", ["failed"]),
        "interrupt_itself_in_a_group": ("failed", ["failed"]),
        "async_interrupt_itself": ("failed", ["failed"]),
        "process_interrupt_itself": ("failed", ["failed"]),
    },
    {"sleepy": ("failed", ["timed_out"]), "async_sleepy": ("failed", ["timed_out"])},
    {"swallow": ("failed", ["timed_out"])},
    {"spin": ("failed", ["timed_out"])},
    {"async_spin": ("failed", ["timed_out"]), "process_spin": ("failed", ["timed_out"])},
    {"die_once": ("succeeded", ["lost", "succeeded"])},
    {"die_always": ("failed", ["lost", "lost", "lost"])},
]


@pytest.mark.parametrize("ends", _ENDS, ids=" ".join)
def test_each_end_of_a_task_has_its_outcome(
    client: Client, burst: Any, ends: dict[str, tuple[str, list[str]]]
) -> None:
    executors = {task: {"a": "asyncio", "p": "process"}.get(task[0], "greenlet") for task in ends}
    jobs = {
        task: client.enqueue(f"shop.tasks.{task}", timeout=1 if outcomes == ["timed_out"] else 60)
        for task, (_, outcomes) in ends.items()
    }

    burst()

    done = {task: client.job(job.id) for task, job in jobs.items()}
    outcomes = {task: [attempt.outcome for attempt in job.attempts()] for task, job in done.items()}
    for task, executor in executors.items():
        if executor != "greenlet":
            # No worker had recorded the task yet, so the first claim was by the wrong kind.
            assert "interrupted" == outcomes[task].pop(0), task
    assert ends == {task: (job.status, outcomes[task]) for task, job in done.items()}
    assert executors == {task: job.executor for task, job in done.items()}


def test_the_attempt_says_why_a_result_could_not_be_stored(client: Client, burst: Any) -> None:
    strange = client.enqueue("shop.tasks.strange_result")
    huge = client.enqueue("shop.tasks.huge_result")

    burst()

    [attempt] = client.attempts(strange.id)
    assert "\ufffd<object>" == client.job(strange.id).result
    assert ("succeeded", "UnstorableValue") == (attempt.outcome, attempt.error_type)
    assert (attempt.error_message or "").startswith("result = <object> cannot be stored")
    [attempt] = client.attempts(huge.id)
    assert ("succeeded", "ResultTooLarge") == (attempt.outcome, attempt.error_type)
    assert client.job(huge.id).result.startswith("\ufffd The result takes ")


def test_a_spinning_job_times_out_and_its_neighbours_finish_unharmed(
    client: Client, burst: Any
) -> None:
    spin = client.enqueue("shop.tasks.spin", timeout=1)
    naps = [client.enqueue("shop.tasks.nap", {"seconds": 2}) for _ in range(24)]

    burst()

    assert ["timed_out"] == [attempt.outcome for attempt in client.attempts(spin.id)]
    assert "while True" in (client.attempts(spin.id)[0].traceback or "")
    assert {"succeeded": 24} == _count(client.job(nap.id).status for nap in naps)
    assert {1: 24} == _count(client.job(nap.id).attempt for nap in naps)


@pytest.mark.parametrize("task", ["stuck_on_a_lock", "stuck_in_a_sum"])
def test_a_call_that_no_signal_interrupts_costs_its_neighbours_nothing(
    client: Client, burst: Any, task: str
) -> None:
    naps = [client.enqueue("shop.tasks.nap", {"seconds": 1}) for _ in range(24)]
    stuck = client.enqueue(f"shop.tasks.{task}", timeout=1)

    burst()

    [attempt] = client.attempts(stuck.id)
    assert "timed_out" == attempt.outcome
    assert "SIGKILL" in (attempt.error_message or "")
    assert {("succeeded", 2, 0, 0): 24} == _count(
        (job.status, job.attempt, job.failure_count, job.lost_count)
        for job in (client.job(nap.id) for nap in naps)
    )
    assert {"interrupted": 24} == _count(client.attempts(nap.id)[0].outcome for nap in naps)


def test_an_at_most_once_job_is_never_started_again(
    client: Client, burst: Any, recorded: None, fleet: Any, tmp_path: Any
) -> None:
    ledger = tmp_path / "ledger"
    job = client.enqueue("shop.tasks.once_and_dead", {"path": str(ledger)})

    burst()

    done = client.job(job.id)
    assert ("failed", 1) == (done.status, done.attempt)
    assert "started\n" == ledger.read_text()
    assert "SIGKILL" in (done.error or "")


def test_a_task_completes_in_the_transaction_of_its_own_rows(
    client: Client, burst: Any, link: Any, database_url: str
) -> None:
    link.raw.execute("create table public.effects (n integer)")
    name = "shop.tasks.complete_with_its_row"
    together = client.enqueue(name, {"url": database_url})
    regretted = client.enqueue(name, {"url": database_url, "is_rolled_back": True})

    burst()

    assert [(1,)] == link.fetch("select count(*)::integer from public.effects", {})
    assert ("succeeded", "written together") == (
        client.job(together.id).status,
        client.job(together.id).result,
    )
    assert ("failed", "ValueError: after all not") == (
        client.job(regretted.id).status,
        client.job(regretted.id).error,
    )
    assert [1, 1] == [len(client.attempts(job.id)) for job in (together, regretted)]


def test_log_lines_past_the_limit_are_counted(client: Client, burst: Any) -> None:
    job = client.enqueue("shop.tasks.chatty", {"lines": 1500})

    burst()

    lines = client.logs(job.id, limit=2000)
    assert 1001 == len(lines)
    assert lines[-1].message.startswith("500 more lines were dropped")


def test_arguments_that_cannot_be_decoded_cost_no_slot_and_no_other_job(
    client: Client, burst: Any, recorded: None, link: Any
) -> None:
    link.raw.execute("alter domain pgqueue.job_args drop constraint job_args_numbers_check")
    link.raw.execute(
        "insert into pgqueue.jobs (task, executor, args, priority) values "
        "('shop.tasks.noop', 'greenlet', '{\"n\": 1e5000}', 1), "
        "('shop.tasks.async_nap', 'asyncio', '{\"seconds\": 1e5000}', 1), "
        "('shop.tasks.count_to', 'process', '{\"n\": 1e5000}', 1)"
    )
    good = [
        client.enqueue("shop.tasks.noop", {"n": 1}),
        client.enqueue("shop.tasks.async_nap", {"seconds": 0}),
        client.enqueue("shop.tasks.count_to", {"n": 1}),
    ]

    burst("--greenlets", "1", "--coroutines", "1")

    assert {"succeeded": 3} == _count(client.job(job.id).status for job in good)
    assert 3 == client.count(status="failed")
    assert {0} == {client.job(job.id).lost_count for job in good}
    assert 0 == _lost_workers(link)


def test_a_job_of_a_task_that_no_worker_knows_returns_to_the_queue_uncounted(
    client: Client, fleet: Any
) -> None:
    strange = client.enqueue("elsewhere.tasks.unknown")
    forbidden = client.enqueue("shop.tasks.not_a_task")
    known = client.enqueue("shop.tasks.add", {"a": 1})

    code = fleet("--burst").wait()

    assert 1 == code
    assert "succeeded" == client.job(known.id).status
    for job in (strange, forbidden):
        row = client.job(job.id)
        assert ("queued", 0, 0) == (row.status, row.failure_count, row.lost_count)
        assert {"interrupted"} == {attempt.outcome for attempt in row.attempts()}


def test_a_job_of_another_kind_of_worker_is_sent_there(client: Client, burst: Any) -> None:
    job = client.enqueue("shop.tasks.count_to", {"n": 10})

    burst()

    done = client.job(job.id)
    assert ("process", "succeeded", 10, 0.5) == (
        done.executor,
        done.status,
        done.result,
        done.progress,
    )


def test_a_job_with_keep_zero_leaves_no_row_when_it_succeeds(
    client: Client, burst: Any, recorded: None, link: Any
) -> None:
    client.enqueue("shop.tasks.noop_fast", {"n": 1})

    burst()

    assert 0 == client.count()
    assert [(0,)] == link.fetch("select count(*) from pgqueue.attempts", {})


def _lost_workers(link: Any) -> int:
    ((count,),) = link.fetch("select count(*) from pgqueue.workers where stop_reason = 'died'", {})
    return int(count)


def _count(values: Any) -> dict[Any, int]:
    counted: dict[Any, int] = {}
    for value in values:
        counted[value] = counted.get(value, 0) + 1
    return counted
