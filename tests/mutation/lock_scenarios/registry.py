"""The lock scenarios of each statement."""

from collections.abc import Callable

from queue_database import QueueDatabase

Scenario = Callable[[QueueDatabase], None]

SCENARIOS: dict[str, list[Scenario]] = {}


def of(file: str) -> Callable[[Scenario], Scenario]:
    """Enter a scenario for the statement in this file."""

    def enter(scenario: Scenario) -> Scenario:
        SCENARIOS.setdefault(file, []).append(scenario)
        return scenario

    return enter
