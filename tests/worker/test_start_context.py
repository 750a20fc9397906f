"""Each job begins with the context variables of its worker's start."""

from decimal import DefaultContext, getcontext, localcontext
from typing import Any

import pytest

from pgqueue import Client
from pgqueue.worker.start_context import StartContext

SLOTS = ("--greenlets", "1", "--coroutines", "2", "--cpus", "1")


@pytest.mark.parametrize("name", ["in_greenlet", "in_coroutine", "in_process"])
def test_a_job_sees_no_context_variable_of_another_job(
    client: Client, burst: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("PGQUEUE_TEST_TASKS", "shop.context_tasks")
    jobs = [client.enqueue(f"shop.context_tasks.{name}") for _ in range(8)]

    burst(*SLOTS)

    expected = ["none", "import", "0.3333333"]
    assert [expected] * 8 == [client.job(job.id).result for job in jobs]


def test_what_a_late_import_sets_is_the_start_of_all_later_jobs(
    client: Client, burst: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGQUEUE_TEST_TASKS", "shop.late")
    jobs = [client.enqueue("shop.late.settings.read_and_change") for _ in range(8)]

    burst(*SLOTS)

    assert [["import", "0.333333333"]] * 8 == [client.job(job.id).result for job in jobs]


def test_a_job_has_a_decimal_context_of_its_own_where_the_start_has_the_default_one() -> None:
    def read_and_change() -> tuple[int, int]:
        before = getcontext().prec
        getcontext().prec = 3
        return before, getcontext().prec

    with localcontext(DefaultContext):
        start_context = StartContext()
        seen = [start_context.new_context().run(read_and_change) for _ in range(2)]

    assert [(DefaultContext.prec, 3)] * 2 == seen


def test_a_decimal_context_that_the_start_changed_is_copied_for_each_job() -> None:
    def read_and_change() -> int:
        before = getcontext().prec
        getcontext().prec = 3
        return before

    with localcontext(DefaultContext):
        start_context = StartContext()
        start_context.keep(setattr, getcontext(), "prec", 9)
        seen = [start_context.new_context().run(read_and_change) for _ in range(2)]

    assert [9, 9] == seen
