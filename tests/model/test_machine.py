"""The real SQL does what the model says."""

from functools import partial
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from model.machine import Machine
from pgqueue.store.connect import Database, Link

SETTINGS = settings(
    max_examples=60,
    stateful_step_count=40,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_the_statements_do_what_the_model_says(database_url: str, link: Link) -> None:
    other = Database(database_url).open()
    machine: Any = partial(Machine, link, other)

    run_state_machine_as_test(machine, settings=SETTINGS)

    other.close()
