"""A figure can miss its goal, and an invalid run fails."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from benchmarks import cost, curve, keep_zero, report
from benchmarks.campaign import Campaign, select
from benchmarks.figure import Figure, Line, measure, side_by_side
from benchmarks.figures import GOALS, figures
from benchmarks.goal import Goal, at_least, at_most
from benchmarks.measurement import Measurement, percentile, ratio
from benchmarks.rate import rate
from benchmarks.size import Size
from benchmarks.worker import starting

ROOT = Path(__file__).parents[2]
NO_SERVER: Any = SimpleNamespace(drop_kept=lambda: None)


def _figure(*values: float, goal: Goal | None) -> Figure:
    rounds = iter(values)
    return Figure(
        "P0", lambda server: {"it": Measurement(next(rounds))}, [Line("it", "it", "ms", goal)]
    )


def _rates(*values: float) -> Iterator[float]:
    return iter(values)


@pytest.mark.parametrize(
    "goal, result",
    [
        (at_least(2), "reached"),
        (at_least(2.01), "missed"),
        (at_most(2), "reached"),
        (at_most(1.99), "missed"),
        (None, "published"),
    ],
)
def test_the_median_of_the_rounds_meets_the_goal_or_misses_it(
    goal: Goal | None, result: str
) -> None:
    [measured] = measure(_figure(9, 2, 1, goal=goal), NO_SERVER, rounds=3)

    assert (2, result) == (measured.value, measured.result)
    assert [1, 2, 9] == measured.values


def test_a_ratio_has_the_rates_that_it_compares() -> None:
    ours, against = _rates(50, 10, 30), _rates(100, 100, 100)
    take = side_by_side(lambda server: next(ours), lambda server: next(against))
    figure = Figure("P0", take, [Line("ratio", "it", "", at_least(1))])

    [measured] = measure(figure, NO_SERVER, rounds=3)

    assert (0.3, [30, 100]) == (measured.value, measured.parts)


def test_a_measurement_must_be_a_finite_number() -> None:
    with pytest.raises(ValueError, match="no number"):
        Measurement(float("nan"))
    with pytest.raises(ValueError, match="makes no ratio"):
        ratio(0.0, 10.0)
    with pytest.raises(ValueError, match="no samples"):
        percentile([], 99)


def test_a_percentile_is_one_of_the_samples() -> None:
    samples = [float(n) for n in range(300, 0, -1)]

    assert (150, 297, 300) == tuple(percentile(samples, percent) for percent in (50, 99, 100))


def test_a_figure_that_fails_is_reported_and_stops_no_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    campaign = Campaign()
    broken = Figure("P1", lambda server: {}, [Line("it", "it", "")])

    campaign.measure([broken, _figure(5, goal=at_most(1))], NO_SERVER, rounds=1)

    assert ["P1, it"] == list(campaign.failed)
    assert ["missed"] == [measured.result for measured in campaign.done]
    assert "P1, it FAILED: KeyError" in capsys.readouterr().err
    assert campaign.failed == report.plain(campaign)["failed"]


def test_a_curve_is_measured_with_its_goal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = curve.Curve("ours", [1], [2])
    traced = {"held-snapshot": ("P3", lambda *_: [line]), "backlog": ("P4", lambda *_: [line])}
    monkeypatch.setattr(curve, "ALL", traced)
    campaign = Campaign()

    campaign.trace({"P4", "P7"}, NO_SERVER, Size())

    assert {"backlog": [line]} == campaign.curves


def test_the_goal_of_keep_0_is_about_its_wal_and_not_about_its_rate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    costs = {0: {"wal": 600, "rate": 90, "dead": 2}, 60: {"wal": 1200, "rate": 100, "dead": 3}}

    def cost_of(server: object, *, count: int, keep_seconds: int) -> dict[str, Measurement]:
        return {name: Measurement(value) for name, value in costs[keep_seconds].items()}

    monkeypatch.setattr(cost, "cost", cost_of)
    [figure] = select(figures(Size()), ["keep=0"])
    take = partial(cost.without_keeping, count=200, keep_seconds=60)

    measured = measure(replace(figure, take=take), NO_SERVER, rounds=1)

    assert [0.5, 0.9, 2] == [line.value for line in measured]
    assert ["reached", "published", "published"] == [line.result for line in measured]


def test_every_goal_has_a_title_and_all_but_that_of_the_peers_a_figure() -> None:
    wanted = {f"P{number}" for number in range(1, 18)} - {"P2"}
    wanted |= {"keep=0"}

    assert wanted | {"P2"} == GOALS.keys()
    assert wanted == {figure.name for figure in figures(Size())}
    assert ["P6", "P8"] == [figure.name for figure in select(figures(Size()), ["P8", "P6"])]


@pytest.mark.parametrize("module", ["benchmarks", "benchmarks.peers"])
def test_an_unknown_name_is_refused_with_the_known_names(module: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", module, "--only", "P99"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )

    assert 2 == result.returncode
    assert "P99" in result.stderr and ("P14" in result.stderr or "pgqueuer" in result.stderr)


def test_a_drain_with_another_number_of_successes_has_no_rate(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into pgqueue.attempts (job_id, attempt, started_at, finished_at, outcome)"
            " select n, 1, '2026-01-01', '2026-01-01 00:00:02', 'succeeded'"
            " from generate_series(1, 10) as n"
        )
    assert 5 == rate(database_url, 10)
    assert 5 == rate(database_url, 8, more=2)
    with pytest.raises(ValueError, match="10 of 10 attempts succeeded, and 11"):
        rate(database_url, 11)
    with pytest.raises(ValueError, match="10 of 10 attempts succeeded, and 9"):
        rate(database_url, 9)

    with psycopg.connect(database_url) as connection:
        connection.execute("update pgqueue.attempts set outcome = 'failed' where job_id = 3")

    with pytest.raises(ValueError, match="9 of 10"):
        rate(database_url, 10)


def test_a_drain_that_leaves_another_number_of_jobs_has_no_rate(database_url: str) -> None:
    keep_zero.fill_backlog(database_url, 20, keep_seconds=0)
    with pytest.raises(ValueError, match="Of 20 jobs 2 remain"):
        keep_zero.work_off(database_url, 20, keep_seconds=60)


def test_a_worker_that_ends_by_itself_fails_the_run() -> None:
    with (
        pytest.raises(RuntimeError, match="--no-such-option"),
        starting("postgresql://", "--no-such-option") as process,
    ):
        process.wait()


def test_without_charts_nothing_needs_matplotlib() -> None:
    code = "import sys; sys.modules['matplotlib'] = None; import benchmarks.__main__"

    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
