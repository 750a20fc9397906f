"""A fault: its name, its frequency, its duration, and its exclusive needs."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chaos.system import System

Facts = Mapping[str, Any]
Inflict = Callable[[System, "Step"], Iterator[Facts]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault.

    Args:
        inflict: Injects the fault and yields facts for the ledger. When it is resumed, it heals
            the fault, and may yield more facts.
        weight: The frequency of the fault.
        seconds: The least and the greatest duration.
        targets: The possible targets, of which one is drawn.
        needs: The parts that no other fault may use meanwhile; `{}` stands for the target.
    """

    name: str
    inflict: Inflict
    weight: int
    seconds: tuple[float, float]
    targets: tuple[str, ...]
    needs: tuple[str, ...]

    def needs_of(self, target: str) -> frozenset[str]:
        """The parts that it needs for itself when its target is *target*."""
        return frozenset(need.format(target) for need in self.needs)


@dataclass(frozen=True, slots=True)
class Step:
    """A fault at its time in a plan.

    Attributes:
        luck: From 0 to 1, drawn by the seed; it chooses a child, sessions or jobs.
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
    """Add a function to the catalogue under its own name."""

    def add(inflict: Inflict) -> Inflict:
        name = inflict.__name__
        CATALOGUE[name] = Fault(name, inflict, weight, seconds, targets, needs)
        return inflict

    return add
