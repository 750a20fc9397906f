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


def test_the_page_has_the_measured_numbers() -> None:
    listed = re.findall(r"^\| (M\d+|the protocol): .+? \| ([\d,]+) \| (.+?) \|$", _page(), re.M)
    measured = [("the protocol", f"{right(scope).states:,}", "none") for scope in SCOPES]
    for name, protocol_ in WRONG.items():
        report, first = wrong(name), protocol_.breaks[0]
        steps = len(report.broken[first])
        measured.append((name, f"{report.states:,}", f"`{first}`, {steps} steps"))

    assert measured == listed


def _page() -> str:
    return PAGE.read_text(encoding="utf-8")
