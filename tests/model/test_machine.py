"""The real SQL behaves as the model."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from model.machine import STEPS, Machine
from pgqueue.core.lifecycle import Outcome
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link

SETTINGS = settings(
    max_examples=120,
    stateful_step_count=50,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.fixture
def other_link(database_url: str) -> Iterator[Link]:
    opened = Database(database_url).open()
    yield opened
    opened.close()


# Only a failure takes this long, while Hypothesis shortens its sequence.
@pytest.mark.timeout(600)
def test_the_statements_behave_as_the_model(link: Link, other_link: Link) -> None:
    counts = Counter[str]()
    machine: Any = partial(Machine, link, other_link, counts)

    run_state_machine_as_test(machine, settings=SETTINGS)

    assert {*STEPS, *Outcome} <= counts.keys()
