"""A drain beside retention counts only where retention went on all the time."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from benchmarks import pruning
from benchmarks.pruning import Sight, first_left

BEGAN_AT = datetime(2026, 1, 1, tzinfo=UTC)
NOWHERE: Any = None

_DRAIN = """
with drained as (
  update pgqueue.jobs
  set
    status = 'succeeded',
    attempt = 1,
    started_at = clock_timestamp(),
    finished_at = clock_timestamp(),
    kept_until = clock_timestamp() + interval '1 day'
  where status = 'queued'
  returning id, attempt, started_at
)
insert into pgqueue.attempts (job_id, attempt, started_at, finished_at, outcome)
select id, attempt, started_at, clock_timestamp(), 'succeeded'
from drained
"""
_PRUNE = "delete from pgqueue.jobs where kept_until < clock_timestamp()"


def _after(seconds: float) -> datetime:
    return BEGAN_AT + timedelta(seconds=seconds)


def test_what_is_left_between_two_looks_follows_the_time() -> None:
    sights = [Sight(_after(0), 1), Sight(_after(1), 101), Sight(_after(2), 1_101)]

    assert [1, 51, 101, 601] == [first_left(sights, _after(at)) for at in (0, 0.5, 1, 1.5)]
    with pytest.raises(ValueError, match="Nobody looked"):
        first_left(sights, _after(2.1))
    with pytest.raises(ValueError, match="Nobody looked"):
        first_left(sights, _after(-0.1))


def _answers(monkeypatch: pytest.MonkeyPatch, ours: float, beside: float) -> None:
    pruned = {0: ours, 86_400: beside}

    def drain(*_: object, keep_seconds: int) -> tuple[float, float]:
        return 80.0 if keep_seconds == 0 else 100.0, pruned[keep_seconds]

    monkeypatch.setattr(pruning, "_drain", drain)


def test_pruned_jobs_are_counted_for_each_one_that_is_drained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _answers(monkeypatch, ours=500, beside=0)

    taken = pruning.pruning(NOWHERE, count=200, finished=1_000)

    assert (0.8, 2.5) == (taken["ratio"].value, taken["pruned"].value)


@pytest.mark.parametrize("ours, beside", [(0, 0), (500, 1)])
def test_a_drain_without_pruning_or_a_comparison_with_it_says_nothing(
    ours: float, beside: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    _answers(monkeypatch, ours, beside)

    with pytest.raises(ValueError, match=f"{ours} jobs were pruned during a drain, and {beside}"):
        pruning.pruning(NOWHERE, count=200, finished=1_000)


def test_a_drain_that_outlasts_what_is_pruned_says_nothing(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work_off(url: str, count: int, *, look: Any) -> float:
        with psycopg.connect(url, autocommit=True) as connection:
            look(connection)
            connection.execute(_DRAIN)
            connection.execute(_PRUNE)
            look(connection)
        return 1.0

    here: Any = SimpleNamespace(database=lambda: nullcontext(database_url))
    monkeypatch.setattr(pruning, "work_off", work_off)

    with pytest.raises(ValueError, match="All 10 jobs were pruned"):
        pruning._drain(here, 5, 10, keep_seconds=0)
