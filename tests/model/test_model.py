"""The protocol keeps its invariants in every order of events, and needs each of its rules."""

import re
from pathlib import Path

import pytest

from model.checker import CAN_END
from model.invariants import INVARIANTS
from model.protocols import SCOPES, WRONG, right, wrong
from model.state import Scope

PAGE = Path(__file__).parents[2] / "docs/explanation/model.md"

# An empty model would break no invariant.
STATES_MIN = 5_000


@pytest.mark.parametrize("scope", SCOPES, ids=str)
def test_the_protocol_breaks_no_invariant(scope: Scope) -> None:
    report = right(scope)

    assert {} == report.broken
    assert report.states > STATES_MIN


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_protocol_breaks_its_invariants(name: str) -> None:
    broken = wrong(name).broken

    assert set(WRONG[name].breaks) <= broken.keys()


def test_every_invariant_can_be_broken() -> None:
    breakable = {name for protocol_ in WRONG.values() for name in protocol_.breaks}

    assert {*(invariant.__name__ for invariant in INVARIANTS), CAN_END} == breakable


def test_the_page_shows_the_measured_states_and_violations() -> None:
    rows = re.findall(r"^\| (.+?) \| ([\d,]+) \| (none|`\w+`, \d+ steps) \|$", _page(), re.M)
    measured = [(f"{right(scope).states:,}", "none") for scope in SCOPES]
    for name, wrong_protocol in WRONG.items():
        report, first = wrong(name), wrong_protocol.breaks[0]
        steps = len(report.broken[first])
        measured.append((f"{report.states:,}", f"`{first}`, {steps} steps"))

    assert measured == [(states, breaks) for _, states, breaks in rows]
    assert len(SCOPES) == sum(title.startswith("the protocol: ") for title, *_ in rows)


def _page() -> str:
    return PAGE.read_text(encoding="utf-8")
