"""A task in this process, without a job."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pgqueue import current_job, task
from pgqueue.core.errors import InvalidArguments
from pgqueue.core.job_context import JobContext
from pgqueue.core.middleware import middleware, remove_middleware
from pgqueue.core.settings import Settings, load_settings
from pgqueue.tasks.inline import run_inline


@pytest.fixture
def settings() -> Settings:
    """The settings of a program that sets none."""
    return load_settings({})


def test_a_task_gets_checked_arguments_and_gives_its_result_as_json(settings: Settings) -> None:
    @task(name="inline.add")
    def add(first: int, second: int = 2) -> dict[str, int]:
        return {"sum": first + second}

    run = run_inline(add, {"first": 1}, settings)

    assert ({"sum": 3}, None) == (json.loads(run.result or ""), run.traceback)
    with pytest.raises(InvalidArguments):
        run_inline(add, {"first": "many"}, settings)


def test_a_coroutine_runs_to_its_end(settings: Settings) -> None:
    @task(name="inline.wait")
    async def wait() -> str:
        await asyncio.sleep(0)
        return "waited"

    assert '"waited"' == run_inline(wait, {}, settings).result


def test_a_failure_is_a_traceback_without_secrets(settings: Settings) -> None:
    @task(name="inline.pay", redact=["card"])
    def pay(card: str) -> None:
        raise ValueError(f"refused: {card}")

    run = run_inline(pay, {"card": "4111-1111"}, settings)

    assert run.result is None
    assert run.traceback is not None
    assert "ValueError: refused" in run.traceback
    assert "4111-1111" not in run.traceback


class Refused(BaseException):
    pass


@pytest.mark.parametrize("kind", [Refused, asyncio.CancelledError, GeneratorExit])
def test_an_error_of_any_class_is_a_failure_without_secrets(
    settings: Settings, kind: type[BaseException]
) -> None:
    @task(name="inline.refuse", redact=["card"])
    def refuse(card: str) -> None:
        raise kind(f"{card} was refused")

    run = run_inline(refuse, {"card": "4111-1111"}, settings)

    assert run.result is None
    assert f"{kind.__name__}: [redacted] was refused" in (run.traceback or "")
    assert "4111-1111" not in (run.traceback or "")


def test_an_interrupt_by_a_person_ends_the_program(settings: Settings) -> None:
    @task(name="inline.interrupted")
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_inline(interrupted, {}, settings)


def test_a_result_that_no_worker_could_store_is_a_failure(settings: Settings) -> None:
    @task(name="inline.odd")
    def odd() -> object:
        return object()

    run = run_inline(odd, {}, settings)

    assert run.result is None
    assert run.traceback is not None


def test_a_task_reports_its_progress_and_may_complete_itself(settings: Settings) -> None:
    progress: list[tuple[float, str]] = []

    @task(name="inline.report")
    def report() -> None:
        job = current_job()
        job.progress(0.5, "half")
        job.complete(connection=None, result=job.should_stop())

    run = run_inline(
        report, {}, settings, on_progress=lambda fraction, text: progress.append((fraction, text))
    )

    assert ("false", [(0.5, "half")]) == (run.result, progress)


def test_a_task_runs_inside_its_middleware(settings: Settings) -> None:
    jobs: list[JobContext] = []

    def wrap(job: JobContext, call_next: Callable[[], Any]) -> Any:
        jobs.append(job)
        return f"{call_next()} in a function"

    async def awrap(job: JobContext, call_next: Callable[[], Awaitable[Any]]) -> Any:
        jobs.append(job)
        return f"{await call_next()} in a coroutine"

    @task(name="inline.plain")
    def plain() -> str:
        assert current_job() is jobs[-1]
        return "wrapped"

    @task(name="inline.aplain")
    async def aplain() -> str:
        assert current_job() is jobs[-1]
        return "wrapped"

    middleware(wrap)
    middleware(awrap)
    results = [run_inline(wrapped, {}, settings).result for wrapped in (plain, aplain)]
    remove_middleware(wrap)
    remove_middleware(awrap)

    assert ['"wrapped in a function"', '"wrapped in a coroutine"'] == results
    assert ["inline.plain", "inline.aplain"] == [job.task for job in jobs]


def test_a_coroutine_that_nothing_awaited_is_a_failure(settings: Settings) -> None:
    async def later() -> None: ...

    @task(name="inline.later")
    def start() -> object:
        return later()

    run = run_inline(start, {}, settings)

    assert "nothing awaited it" in (run.traceback or "")
