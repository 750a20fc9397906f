"""Rules for rows that another session has locked; with another lock a statement breaks a rule."""

from mutation.lock_scenarios import order, skipping, waiting
from mutation.lock_scenarios.registry import SCENARIOS, Scenario

__all__ = ["SCENARIOS", "Scenario", "order", "skipping", "waiting"]
