"""Middleware wraps runs in the order in which it was registered."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, cast

import pytest

from pgqueue.core.errors import InvalidOption
from pgqueue.core.job_context import JobContext
from pgqueue.core.middleware import awrapped, middleware, remove_middleware, wrapped

JOB = cast("JobContext", object())


@pytest.fixture
def register() -> Iterator[Callable[[Callable[..., Any]], None]]:
    """Registers middleware for the length of a test."""
    wrappers = []

    def add(wrapper: Callable[..., Any]) -> None:
        wrappers.append(middleware(wrapper))

    yield add
    for wrapper in wrappers:
        remove_middleware(wrapper)


def test_without_middleware_the_call_is_left_as_it_is() -> None:
    def call() -> None:
        pass

    assert call is wrapped(JOB, call)


def test_the_first_one_registered_is_the_outermost(register: Callable[..., None]) -> None:
    order = []
    for name in ("first", "second"):

        def wrapper(job: JobContext, call_next: Callable[[], Any], name: str = name) -> Any:
            order.append(f"{name} before")
            result = call_next()
            order.append(f"{name} after")
            return result

        register(wrapper)

    result = wrapped(JOB, lambda: "result")()

    assert "result" == result
    assert ["first before", "second before", "second after", "first after"] == order


def test_a_wrapper_may_replace_the_result_and_gets_the_job(register: Callable[..., None]) -> None:
    register(lambda job, call_next: (job, call_next()))

    assert (JOB, 1) == wrapped(JOB, lambda: 1)()


def test_coroutines_are_wrapped_by_coroutines_alone(register: Callable[..., None]) -> None:
    async def wrapper(job: JobContext, call_next: Callable[[], Awaitable[Any]]) -> Any:
        return await call_next() + 1

    async def call() -> int:
        return 1

    register(wrapper)
    register(lambda job, call_next: pytest.fail("it wraps functions"))

    assert 2 == asyncio.run(cast("Any", awrapped(JOB, call)()))


class Adder:
    """Adds to the result of a coroutine, as an object."""

    async def __call__(
        self, job: JobContext, call_next: Callable[[], Awaitable[Any]], count: int = 1
    ) -> Any:
        return await call_next() + count


async def add_count(count: int, job: JobContext, call_next: Callable[[], Awaitable[Any]]) -> Any:
    return await call_next() + count


@pytest.mark.parametrize(
    "wrapper, result",
    [
        (Adder(), 2),
        (Adder().__call__, 2),
        (partial(Adder(), count=2), 3),
        (partial(add_count, 3), 4),
        (partial(partial(add_count), 3), 4),
    ],
    ids=["object", "method", "partial object", "partial", "partial of a partial"],
)
def test_whatever_returns_a_coroutine_wraps_coroutines_alone(
    register: Callable[..., None], wrapper: Callable[..., Any], result: int
) -> None:
    async def call() -> int:
        return 1

    register(wrapper)

    assert call is wrapped(JOB, call)
    assert result == asyncio.run(cast("Any", awrapped(JOB, call)()))


def test_an_object_with_a_plain_call_wraps_functions(register: Callable[..., None]) -> None:
    class Doubler:
        def __call__(self, job: JobContext, call_next: Callable[[], Any]) -> Any:
            return 2 * call_next()

    register(Doubler())

    assert 2 == wrapped(JOB, lambda: 1)()


def test_a_wrapper_that_is_not_callable_is_refused() -> None:
    with pytest.raises(InvalidOption, match="not callable"):
        middleware(cast("Any", "shop.wrapper"))


def yields(job: JobContext, call_next: Callable[[], Any]) -> Any:
    yield
    call_next()


async def ayields(job: JobContext, call_next: Callable[[], Any]) -> Any:
    yield
    await call_next()


class Yielder:
    def __call__(self, job: JobContext, call_next: Callable[[], Any]) -> Any:
        yield call_next()


@pytest.mark.parametrize("wrapper", [yields, ayields, partial(yields), Yielder()])
def test_a_generator_function_which_would_run_no_task_is_refused(
    wrapper: Callable[..., Any],
) -> None:
    with pytest.raises(InvalidOption, match="a generator function runs nothing"):
        middleware(wrapper)


def test_a_wrapper_decides_how_often_the_task_runs(register: Callable[..., None]) -> None:
    runs: list[str] = []

    def skip(job: JobContext, call_next: Callable[[], Any]) -> str:
        return "skipped"

    register(lambda job, call_next: [call_next(), call_next()])
    twice = wrapped(JOB, lambda: runs.append("run"))()
    register(skip)
    wrapped(JOB, lambda: runs.append("never"))()

    assert ([None, None], ["run", "run"]) == (twice, runs)
