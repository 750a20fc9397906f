"""A fault: its name, how often and how long, and what it needs for itself meanwhile."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chaos.world import World

Facts = Mapping[str, Any]
Inflict = Callable[[World, "Step"], Iterator[Facts]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault.

    Args:
        inflict: Causes it, yields facts for the ledger, and heals it when it is resumed; then
            it may yield more facts.
        weight: How often it is drawn.
        seconds: How long it lasts, at least and at most.
        targets: What it may be aimed at; one is drawn.
        needs: What no other fault may use meanwhile; `{}` stands for the target.
    """

    name: str
    inflict: Inflict
    weight: int
    seconds: tuple[float, float]
    targets: tuple[str, ...]
    needs: tuple[str, ...]

    def held(self, target: str) -> frozenset[str]:
        """What it needs for itself when it is aimed at *target*."""
        return frozenset(each.format(target) for each in self.needs)


@dataclass(frozen=True, slots=True)
class Step:
    """A fault at its time in a plan.

    Attributes:
        luck: From 0 to 1, drawn by the seed: which child, which sessions, which jobs.
    """

    number: int
    at_seconds: float
    fault: Fault
    target: str
    seconds: float
    luck: float

    def __str__(self) -> str:
        target = f" {self.target}" if self.target else ""
        return f"{self.at_seconds:7.1f} s  {self.fault.name}{target}, {self.seconds:.1f} s"


CATALOGUE: dict[str, Fault] = {}


def fault(
    *,
    weight: int,
    seconds: tuple[float, float] = (0.0, 0.0),
    targets: tuple[str, ...] = ("",),
    needs: tuple[str, ...] = (),
) -> Callable[[Inflict], Inflict]:
    """Enter a function into the catalogue under its own name."""

    def enter(inflict: Inflict) -> Inflict:
        name = inflict.__name__
        CATALOGUE[name] = Fault(name, inflict, weight, seconds, targets, needs)
        return inflict

    return enter
