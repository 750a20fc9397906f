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

_HAND_SIZE = 5


def draw(seed: int, seconds: float) -> list[Step]:
    """The faults of a run of so many seconds, in order; several go on at once."""
    dice = random.Random(f"{seed} plan")
    deck = _deck(dice)
    hand: list[Fault] = []
    plan: list[Step] = []
    free_at: dict[str, float] = {}
    at = _FIRST_SECONDS
    while at < seconds - _LAST_SECONDS:
        if len(hand) < _HAND_SIZE:
            hand.append(next(deck))
        # What cannot be played now stays in the hand, before all that is drawn later.
        for fault in hand:
            target = dice.choice(fault.targets)
            needs = fault.held(target)
            if all(free_at.get(each, 0.0) <= at for each in needs):
                lasts = dice.uniform(*fault.seconds)
                plan.append(Step(len(plan), at, fault, target, lasts, dice.random()))
                free_at.update(dict.fromkeys(needs, at + lasts + _REST_SECONDS))
                hand.remove(fault)
                break
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
