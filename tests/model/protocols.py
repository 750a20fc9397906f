"""The protocol and its wrong variants, by their names in the tests and in the docs."""

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
from model.state import Rules, Scope
from model.transitions import first_state

SCOPES: Final = (
    Scope(),
    Scope(max_attempts=1, faults=3),
    Scope(workers=3),
    Scope(faults=3, is_once=True),
)
"""The scopes in which the protocol is explored. Three faults reach the third loss in a row."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A protocol with one mistake.

    Attributes:
        breaks: The names of broken invariants; the first matters most to users.
    """

    title: str
    rules: Rules
    breaks: tuple[str, ...]
    scope: Scope = field(default_factory=Scope)


WRONG: Final = {
    "M1": Wrong(
        "no fence: any running row is settled",
        Rules(fence=frozenset({"status"})),
        (a_success_is_the_last_attempt.__name__, running_is_one_open_attempt.__name__),
    ),
    # The id of a worker is never reused, so the nearest mistake is a token without the attempt: a
    # doubtful settlement of a worker then hits its own next attempt.
    "M2": Wrong(
        "the fence is the worker alone",
        Rules(fence=frozenset({"status", "worker"})),
        (a_closed_attempt_writes_nothing.__name__,),
    ),
    "M3": Wrong(
        "no fence, and no check of the status",
        Rules(fence=frozenset()),
        (a_final_status_stays.__name__,),
    ),
    "M4": Wrong(
        "an attempt is counted when its failure is reported",
        Rules(counts_at_claim=False),
        (attempts_are_capped.__name__,),
        Scope(max_attempts=1, faults=3),
    ),
    "M5": Wrong(
        "the rescue writes to any running row without its token",
        Rules(fences_rescue=False),
        (only_the_dead_are_rescued.__name__,),
    ),
    "M6": Wrong(
        "the rescue queues an at_most_once job again",
        Rules(respects_delivery=False),
        (an_at_most_once_job_starts_once.__name__,),
        Scope(is_once=True),
    ),
    "M7": Wrong(
        "a settlement whose reply was lost is repeated as a failure",
        Rules(repeats_settlement=False),
        (a_row_tells_the_true_end.__name__,),
    ),
    # Two mistakes, as each alone does no harm: the row of a worker with jobs may be pruned, and the
    # rescue finds no job without that row.
    "M8": Wrong(
        "the rescue joins the worker's row, which may be pruned",
        Rules(reads_jobs_only=False),
        (CAN_END,),
        Scope(max_attempts=1),
    ),
    # The attempt is the number in the token; a retry by a person must not reset it.
    "M9": Wrong(
        "a retry by a person resets the count of attempts",
        Rules(keeps_counting=False),
        (a_closed_attempt_writes_nothing.__name__, attempts_only_rise.__name__),
    ),
    "M10": Wrong(
        "the rescue ignores a requested cancel",
        Rules(respects_cancel=False),
        (a_cancelled_job_is_not_claimed.__name__,),
    ),
    "M11": Wrong(
        "the rescue reads a death, and writes with the current token of the job",
        Rules(remembers_token=False),
        (only_the_dead_are_rescued.__name__,),
    ),
}


@cache
def right(scope: Scope) -> Report:
    """The report on the protocol."""
    return explore(first_state(scope), Rules())


@cache
def wrong(name: str) -> Report:
    """The report on a wrong protocol, until it has broken its invariants."""
    protocol_ = WRONG[name]
    return explore(first_state(protocol_.scope), protocol_.rules, until=protocol_.breaks)
