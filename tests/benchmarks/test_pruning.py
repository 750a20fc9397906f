"""A drain beside retention counts only if retention lasts for the whole drain."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from benchmarks import pruning
from benchmarks.pruning import Observation, first_remaining

BEGAN_AT = datetime(2026, 1, 1, tzinfo=UTC)
NO_SERVER: Any = None

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


def test_the_remaining_jobs_between_two_observations_are_interpolated_by_time() -> None:
    observations = [
        Observation(_after(0), 1),
        Observation(_after(1), 101),
        Observation(_after(2), 1_101),
    ]

    assert [1, 51, 101, 601] == [
        first_remaining(observations, _after(at)) for at in (0, 0.5, 1, 1.5)
    ]
    with pytest.raises(ValueError, match="There is no observation"):
        first_remaining(observations, _after(2.1))
    with pytest.raises(ValueError, match="There is no observation"):
        first_remaining(observations, _after(-0.1))


def _answers(monkeypatch: pytest.MonkeyPatch, ours: float, beside: float) -> None:
    pruned = {0: ours, 86_400: beside}

    def drain(*_: object, keep_seconds: int) -> tuple[float, float]:
        return 80.0 if keep_seconds == 0 else 100.0, pruned[keep_seconds]

    monkeypatch.setattr(pruning, "_drain", drain)


def test_pruned_jobs_are_counted_for_each_one_that_is_drained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _answers(monkeypatch, ours=500, beside=0)

    measurements = pruning.pruning(NO_SERVER, count=200, finished=1_000)

    assert (0.8, 2.5) == (measurements["ratio"].value, measurements["pruned"].value)


@pytest.mark.parametrize("ours, beside", [(0, 0), (500, 1)])
def test_a_drain_without_pruning_or_a_comparison_with_pruning_is_invalid(
    ours: float, beside: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    _answers(monkeypatch, ours, beside)

    with pytest.raises(
        ValueError, match=f"{ours} jobs were pruned during a drain, and {beside} while"
    ):
        pruning.pruning(NO_SERVER, count=200, finished=1_000)


def test_a_drain_that_outlasts_the_expired_jobs_is_invalid(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work_off(url: str, count: int, *, on_poll: Any) -> float:
        with psycopg.connect(url, autocommit=True) as connection:
            on_poll(connection)
            connection.execute(_DRAIN)
            connection.execute(_PRUNE)
            on_poll(connection)
        return 1.0

    server: Any = SimpleNamespace(database=lambda: nullcontext(database_url))
    monkeypatch.setattr(pruning, "work_off", work_off)

    with pytest.raises(ValueError, match="All 10 jobs were pruned"):
        pruning._drain(server, 5, 10, keep_seconds=0)
