"""The plan of a run, drawn from a seed alone: one seed gives one list of faults and times."""

import random
from collections.abc import Iterator

from chaos.faults import CATALOGUE
from chaos.faults.fault import Fault, Step

_FIRST_SECONDS = 4.0
_LAST_SECONDS = 3.0
_GAP_SECONDS = (0.2, 3.0)

# The needs of a fault stay reserved for a moment, so that its target has recovered.
_REST_SECONDS = 2.0

_PENDING_MAX = 5


def draw(seed: int, seconds: float) -> list[Step]:
    """The faults of a run in their order; several may overlap."""
    rng = random.Random(f"{seed} plan")
    kinds = _kinds(rng)
    pending: list[Fault] = []
    plan: list[Step] = []
    free_at: dict[str, float] = {}
    at = _FIRST_SECONDS
    while at < seconds - _LAST_SECONDS:
        if len(pending) < _PENDING_MAX:
            pending.append(next(kinds))
        # A fault whose needs are not free stays pending, before all faults that are drawn later.
        for fault in pending:
            target = rng.choice(fault.targets)
            needs = fault.needs_of(target)
            if all(free_at.get(need, 0.0) <= at for need in needs):
                lasts = rng.uniform(*fault.seconds)
                plan.append(Step(len(plan), at, fault, target, lasts, rng.random()))
                free_at.update(dict.fromkeys(needs, at + lasts + _REST_SECONDS))
                pending.remove(fault)
                break
        at += rng.uniform(*_GAP_SECONDS)
    return plan


def _kinds(rng: random.Random) -> Iterator[Fault]:
    # Drawn without replacement, so that a short run has every fault.
    while True:
        drawn = [fault for fault in CATALOGUE.values() for _ in range(fault.weight)]
        rng.shuffle(drawn)
        # The first fault of each kind comes before the second of any kind.
        firsts = list(dict.fromkeys(drawn))
        for fault in firsts:
            drawn.remove(fault)
        yield from (*firsts, *drawn)
