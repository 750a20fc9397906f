"""The protocol and what goes wrong with others, by their names in the tests and in the docs."""

from dataclasses import dataclass, field
from functools import cache
from typing import Final

from model.checker import CAN_END, Report, explore
from model.invariants import (
    a_cancelled_job_is_not_claimed,
    a_closed_attempt_writes_nothing,
    a_final_status_stays,
    a_row_tells_the_true_end,
    a_success_is_the_last_attempt,
    an_at_most_once_job_starts_once,
    attempts_are_capped,
    attempts_only_rise,
    only_the_dead_are_rescued,
    running_is_one_open_attempt,
)
from model.world import Rules, Scope, beginning

SCOPES: Final = (
    Scope(),
    Scope(max_attempts=1, troubles=3),
    Scope(workers=3),
    Scope(troubles=3, is_once=True),
)
"""How far the protocol itself is walked through. Three troubles reach the third loss in a row."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A protocol with one mistake.

    Attributes:
        breaks: Names of invariants; the first is the one that matters most to users.
    """

    what: str
    rules: Rules
    breaks: tuple[str, ...]
    scope: Scope = field(default_factory=Scope)


WRONG: Final = {
    "M1": Wrong(
        "no fence: any running row is settled",
        Rules(fence=frozenset({"status"})),
        (a_success_is_the_last_attempt.__name__, running_is_one_open_attempt.__name__),
    ),
    # Our workers' ids are never used twice, so the nearest to a reused name is a token without
    # the attempt: what the same worker left in doubt meets its own next attempt.
    "M2": Wrong(
        "the fence is the worker alone",
        Rules(fence=frozenset({"status", "worker"})),
        (a_closed_attempt_writes_nothing.__name__,),
    ),
    "M3": Wrong(
        "no fence, and the status is not asked either",
        Rules(fence=frozenset()),
        (a_final_status_stays.__name__,),
    ),
    "M4": Wrong(
        "an attempt is counted when its failure is reported",
        Rules(counts_at_claim=False),
        (attempts_are_capped.__name__,),
        Scope(max_attempts=1, troubles=3),
    ),
    "M5": Wrong(
        "the rescue writes to any running row what it had read before",
        Rules(fences_rescue=False),
        (only_the_dead_are_rescued.__name__,),
    ),
    "M6": Wrong(
        "the rescue queues an at_most_once job again",
        Rules(heeds_delivery=False),
        (an_at_most_once_job_starts_once.__name__,),
        Scope(is_once=True),
    ),
    "M7": Wrong(
        "an end whose reply was lost is reported as a failure",
        Rules(asks_again=False),
        (a_row_tells_the_true_end.__name__,),
    ),
    # Two mistakes, because each alone does no harm: the row of a worker that has jobs may be
    # pruned, and the rescue finds nothing without that row.
    "M8": Wrong(
        "the rescue joins the worker's row, which may be pruned",
        Rules(reads_jobs_only=False),
        (CAN_END,),
        Scope(max_attempts=1),
    ),
    # Our attempt is the token's number; it would begin anew if a retry by hand took it back.
    "M9": Wrong(
        "a retry by hand counts from 1 again",
        Rules(keeps_counting=False),
        (a_closed_attempt_writes_nothing.__name__, attempts_only_rise.__name__),
    ),
    "M10": Wrong(
        "the rescue overlooks a cancel that was asked for",
        Rules(heeds_cancel=False),
        (a_cancelled_job_is_not_claimed.__name__,),
    ),
    "M11": Wrong(
        "the rescue finds a death, and takes the token of whoever has the job by then",
        Rules(remembers_token=False),
        (only_the_dead_are_rescued.__name__,),
    ),
}


@cache
def right(scope: Scope) -> Report:
    """What is seen of the protocol as it is."""
    return explore(beginning(scope), Rules())


@cache
def wrong(name: str) -> Report:
    """What is seen of a wrong one until it has broken what it should."""
    one = WRONG[name]
    return explore(beginning(one.scope), one.rules, until=one.breaks)
