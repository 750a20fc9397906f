"""What is measured must be able to miss its goal, and a run that was not valid says so."""

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

from benchmarks import cost, curve, lanes, report
from benchmarks.campaign import Campaign, chosen
from benchmarks.figure import Figure, Line, measure, side_by_side
from benchmarks.figures import figures
from benchmarks.goal import Goal, at_least, at_most
from benchmarks.rate import rate
from benchmarks.reading import Reading, percentile, ratio
from benchmarks.size import Size
from benchmarks.worker import starting

ROOT = Path(__file__).parents[2]
NOWHERE: Any = SimpleNamespace(forget=lambda: None)


def _figure(*values: float, goal: Goal | None) -> Figure:
    rounds = iter(values)
    return Figure("P0", lambda place: {"it": Reading(next(rounds))}, [Line("it", "it", "ms", goal)])


def _rates(*values: float) -> Iterator[float]:
    return iter(values)


@pytest.mark.parametrize(
    "goal, verdict",
    [
        (at_least(2), "reached"),
        (at_least(2.01), "missed"),
        (at_most(2), "reached"),
        (at_most(1.99), "missed"),
        (None, "published"),
    ],
)
def test_the_median_of_the_rounds_meets_the_goal_or_misses_it(
    goal: Goal | None, verdict: str
) -> None:
    [measured] = measure(_figure(9, 2, 1, goal=goal), NOWHERE, rounds=3)

    assert (2, verdict) == (measured.value, measured.verdict)
    assert [1, 2, 9] == measured.values


def test_a_ratio_tells_the_rates_that_it_was_made_from() -> None:
    ours, against = _rates(50, 10, 30), _rates(100, 100, 100)
    take = side_by_side(lambda place: next(ours), lambda place: next(against))
    figure = Figure("P0", take, [Line("ratio", "it", "", at_least(1))])

    [measured] = measure(figure, NOWHERE, rounds=3)

    assert (0.3, [30, 100]) == (measured.value, measured.parts)


def test_what_is_no_number_is_no_reading() -> None:
    with pytest.raises(ValueError, match="no number"):
        Reading(float("nan"))
    with pytest.raises(ValueError, match="says nothing"):
        ratio(0.0, 10.0)
    with pytest.raises(ValueError, match="no samples"):
        percentile([], 99)


def test_a_percentile_is_one_of_the_samples() -> None:
    samples = [float(n) for n in range(300, 0, -1)]

    assert (150, 297, 300) == tuple(percentile(samples, percent) for percent in (50, 99, 100))


def test_a_figure_that_fails_is_told_and_holds_up_no_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    campaign = Campaign()
    broken = Figure("P1", lambda place: {}, [Line("it", "it", "")])

    campaign.measure([broken, _figure(5, goal=at_most(1))], NOWHERE, rounds=1)

    assert ["P1, it"] == list(campaign.failed)
    assert ["missed"] == [each.verdict for each in campaign.done]
    assert "P1, it FAILED: KeyError" in capsys.readouterr().err
    assert campaign.failed == report.plain(campaign)["failed"]


def test_a_curve_is_traced_with_the_goal_that_it_belongs_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = curve.Curve("ours", [1], [2])
    traced = {"held-snapshot": ("P3", lambda *_: [line]), "backlog": ("P4", lambda *_: [line])}
    monkeypatch.setattr(curve, "ALL", traced)
    campaign = Campaign()

    campaign.trace({"P4", "P7"}, NOWHERE, Size())

    assert {"backlog": [line]} == campaign.curves


def test_keep_0_is_judged_by_its_wal_and_not_by_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    costs = {0: {"wal": 600, "rate": 90, "dead": 2}, 60: {"wal": 1200, "rate": 100, "dead": 3}}

    def cost_of(place: object, *, count: int, keep_seconds: int) -> dict[str, Reading]:
        return {name: Reading(value) for name, value in costs[keep_seconds].items()}

    monkeypatch.setattr(cost, "cost", cost_of)
    [figure] = chosen(figures(Size()), ["keep=0"])
    taken = partial(cost.without_keeping, count=200, keep_seconds=60)

    measured = measure(replace(figure, take=taken), NOWHERE, rounds=1)

    assert [0.5, 0.9, 2] == [each.value for each in measured]
    assert ["reached", "published", "published"] == [each.verdict for each in measured]


def test_every_goal_but_that_of_the_peers_has_a_figure() -> None:
    wanted = {f"P{number}" for number in range(1, 15)} - {"P2"} | {"keep=0"}

    assert wanted == {figure.name for figure in figures(Size())}
    assert ["P6", "P8"] == [each.name for each in chosen(figures(Size()), ["P8", "P6"])]


@pytest.mark.parametrize("module", ["benchmarks", "benchmarks.peers"])
def test_a_name_that_there_is_not_is_refused_with_those_that_there_are(module: str) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", module, "--only", "P15"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )

    assert 2 == refused.returncode
    assert "P15" in refused.stderr and ("P14" in refused.stderr or "pgqueuer" in refused.stderr)


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


def test_a_drain_that_left_another_number_of_jobs_has_no_rate(database_url: str) -> None:
    lanes.fill_lane(database_url, 20, keep_seconds=0)
    with pytest.raises(ValueError, match="Of 20 jobs 2 are left"):
        lanes.work_off(database_url, 20, keep_seconds=60)


def test_a_worker_that_ended_by_itself_spoils_the_run() -> None:
    with (
        pytest.raises(RuntimeError, match="--no-such-option"),
        starting("postgresql://", "--no-such-option") as process,
    ):
        process.wait()


def test_without_charts_nothing_needs_matplotlib() -> None:
    code = "import sys; sys.modules['matplotlib'] = None; import benchmarks.__main__"

    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
