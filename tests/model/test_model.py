"""The protocol holds in every order of events, and each of its rules is needed."""

import re
from pathlib import Path

import pytest

from model.checker import CAN_END
from model.invariants import INVARIANTS
from model.protocols import SCOPES, WRONG, right, wrong
from model.world import Scope

PAGE = Path(__file__).parents[2] / "docs/explanation/model.md"

# An empty model would break nothing.
WORLDS_MIN = 5_000


@pytest.mark.parametrize("scope", SCOPES, ids=str)
def test_the_protocol_breaks_no_invariant(scope: Scope) -> None:
    report = right(scope)

    assert {} == report.broken
    assert report.worlds > WORLDS_MIN


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_protocol_breaks_what_its_mistake_puts_at_risk(name: str) -> None:
    broken = wrong(name).broken

    assert set(WRONG[name].breaks) <= broken.keys()


def test_every_invariant_can_be_broken() -> None:
    breakable = {each for one in WRONG.values() for each in one.breaks}

    assert {*(each.__name__ for each in INVARIANTS), CAN_END} == breakable


def test_the_page_shows_the_measured_worlds_and_violations() -> None:
    rows = re.findall(r"^\| (.+?) \| ([\d,]+) \| (none|`\w+`, \d+ steps) \|$", _page(), re.M)
    measured = [(f"{right(scope).worlds:,}", "none") for scope in SCOPES]
    for name, protocol in WRONG.items():
        report, first = wrong(name), protocol.breaks[0]
        steps = len(report.broken[first])
        measured.append((f"{report.worlds:,}", f"`{first}`, {steps} steps"))

    assert measured == [(worlds, breaks) for _, worlds, breaks in rows]
    assert len(SCOPES) == sum(protocol.startswith("the protocol: ") for protocol, *_ in rows)


def _page() -> str:
    return PAGE.read_text(encoding="utf-8")
