"""The page about events and middleware: its examples run, and its list is complete."""

import importlib
import pkgutil
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import pgqueue
from pgqueue.core import events
from pgqueue.core.events.event import Event, emit
from pgqueue.core.events.jobs import JobFailed
from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.core.middleware import remove_middleware, wrapped

PAGE = Path(__file__).parents[2] / "docs/how-to/events-and-middleware.md"

needs_public_names = pytest.mark.skipif(
    "listen" not in pgqueue.__all__, reason="pgqueue.listen is not public yet"
)


def _example(number: int) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)[number], names)
    return names


def _kinds(base: type[Event]) -> list[type[Event]]:
    return [kind for child in base.__subclasses__() for kind in (child, *_kinds(child))]


@needs_public_names
def test_the_listener_of_the_page_counts_failures() -> None:
    names = _example(0)
    failure = JobFailed(
        job_id=1,
        attempt=1,
        worker_id=2,
        task="shop.total",
        queue="default",
        outcome=Outcome.FAILED,
        status=JobStatus.FAILED,
        error_type="ValueError",
    )

    emit(failure)
    names["stop"]()
    emit(failure)

    assert names["failures"] == [("shop.total", "ValueError")]


@needs_public_names
def test_the_middleware_of_the_page_measures_a_run() -> None:
    names = _example(1)
    job: Any = SimpleNamespace(task="shop.total")

    try:
        result = wrapped(job, lambda: 3.5)()
    finally:
        remove_middleware(names["measure"])

    assert result == 3.5
    assert list(names["durations"]) == ["shop.total"]


def test_every_event_is_on_the_page_with_its_own_fields() -> None:
    for module in pkgutil.iter_modules(events.__path__, f"{events.__name__}."):
        importlib.import_module(module.name)
    rows = dict(re.findall(r"^\| `([\w.]+)` \| (.+) \|$", PAGE.read_text(), re.M))
    kinds = [kind for kind in _kinds(Event) if kind.NAME and kind.__module__.startswith("pgqueue.")]

    assert sorted(rows) == sorted({kind.NAME for kind in kinds})
    assert [] == [
        (kind.NAME, name)
        for kind in kinds
        for name in kind.__annotations__
        if name not in ("NAME", "LEVEL") and f"`{name}`" not in rows[kind.NAME]
    ]
