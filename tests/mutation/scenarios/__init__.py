"""Rules that each statement keeps; without one of its conditions it breaks a rule."""

from mutation.scenarios import actions, claims, maintenance, output, settlements, workers
from mutation.scenarios.registry import SCENARIOS, Scenario

__all__ = [
    "SCENARIOS",
    "Scenario",
    "actions",
    "claims",
    "maintenance",
    "output",
    "settlements",
    "workers",
]
