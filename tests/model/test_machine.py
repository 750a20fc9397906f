"""The real SQL does what the model says."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from model.machine import HAPPENINGS, Machine
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


# Only a failure takes that long, while its sequence is made short.
@pytest.mark.timeout(600)
def test_the_statements_do_what_the_model_says(link: Link, other_link: Link) -> None:
    seen = Counter[str]()
    machine: Any = partial(Machine, link, other_link, seen)

    run_state_machine_as_test(machine, settings=SETTINGS)

    assert {*HAPPENINGS, *Outcome} <= seen.keys()
