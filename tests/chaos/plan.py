"""What the nemesis will do, drawn from a seed alone: the same seed, the same faults and times."""

import random
from collections.abc import Iterator

from chaos.faults import CATALOGUE
from chaos.faults.fault import Fault, Step

_FIRST_SECONDS = 4.0
_LAST_SECONDS = 3.0
_GAP_SECONDS = (0.2, 3.0)

# What a fault needs stays taken a moment longer, so that its victim is there again.
_REST_SECONDS = 2.0


def draw(seed: int, seconds: float) -> list[Step]:
    """The faults of a run of so many seconds, in order; several go on at once."""
    dice = random.Random(f"{seed} plan")
    deck = _deck(dice)
    plan: list[Step] = []
    free_at: dict[str, float] = {}
    at = _FIRST_SECONDS
    while at < seconds - _LAST_SECONDS:
        step = _step(len(plan), at, next(deck), dice)
        needs = step.fault.held(step.target)
        if all(free_at.get(each, 0.0) <= at for each in needs):
            plan.append(step)
            free_at.update(dict.fromkeys(needs, at + step.seconds + _REST_SECONDS))
        at += dice.uniform(*_GAP_SECONDS)
    return plan


def _deck(dice: random.Random) -> Iterator[Fault]:
    # Dealt and not thrown, so that a short run sees every fault.
    while True:
        cards = [fault for fault in CATALOGUE.values() for _ in range(fault.weight)]
        dice.shuffle(cards)
        # The first of each kind before the second of any.
        firsts = list(dict.fromkeys(cards))
        for fault in firsts:
            cards.remove(fault)
        yield from (*firsts, *cards)


def _step(number: int, at: float, fault: Fault, dice: random.Random) -> Step:
    target = dice.choice(fault.targets)
    return Step(number, at, fault, target, dice.uniform(*fault.seconds), dice.random())
