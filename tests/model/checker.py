"""Explore every order of events, breadth first, and check every invariant at every step.

Each state is reached by a shortest path first, so a violation comes with a shortest trace. States
that differ only in names are one (see `Key`). When all states are known, the checker verifies that
every job can still become final by steps without a fault.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace

from model.invariants import INVARIANTS
from model.state import ActiveAttempt, Event, Rules, State, Worker
from model.transitions import faulty_steps, normal_steps

CAN_END = "a_job_can_always_end"
"""The name of the last check: from every state, a final status can be reached."""

Trace = tuple[Event, ...]
Key = tuple[object, ...]
"""A state without the parts that no further step depends on.

These are the order of equal workers, the outcomes of attempts before a retry by a person, and the
number of starts of a job that may start again.
"""


@dataclass(frozen=True, slots=True)
class Report:
    """The result of an exploration.

    Attributes:
        states: The number of different states.
        broken: A shortest trace by the name of each broken invariant.
    """

    states: int
    broken: dict[str, Trace]


@dataclass(slots=True)
class _Node:
    """A state, and the step that reached it first."""

    state: State
    parent: "_Node | None" = None
    event: Event | None = None
    before: "list[_Node]" = field(default_factory=list)
    can_end: bool = False

    @property
    def trace(self) -> Trace:
        if self.parent is None or self.event is None:
            return ()
        return (*self.parent.trace, self.event)


def explore(first: State, rules: Rules, until: Collection[str] = ()) -> Report:
    """The report on all states that can follow a state.

    Args:
        until: Stop when these invariants are broken: some wrong protocols have endless states.
    """
    nodes = {_key(first): _Node(first)}
    waiting = deque(nodes.values())
    broken: dict[str, Trace] = {}
    while waiting:
        node = waiting.popleft()
        for event, after, is_normal in _steps(node.state, rules):
            for invariant in INVARIANTS:
                name = invariant.__name__
                if name not in broken and not invariant(node.state, event, after):
                    broken[name] = (*node.trace, event)
                    if until and broken.keys() >= set(until):
                        return Report(len(nodes), broken)
            key = _key(after)
            if (successor := nodes.get(key)) is None:
                successor = nodes[key] = _Node(after, node, event)
                waiting.append(successor)
            if is_normal:
                successor.before.append(node)
    _mark(end for end in nodes.values() if end.state.job.status.is_final)
    stuck = next((other for other in nodes.values() if not other.can_end), None)
    if stuck is not None:
        broken[CAN_END] = stuck.trace
    return Report(len(nodes), broken)


def _steps(state: State, rules: Rules) -> Iterator[tuple[Event, State, bool]]:
    for event, after in normal_steps(state, rules):
        yield event, after, True
    for event, after in faulty_steps(state, rules):
        yield event, after, False


def _mark(ends: Iterable[_Node]) -> None:
    waiting = list(ends)
    while waiting:
        node = waiting.pop()
        if not node.can_end:
            node.can_end = True
            waiting += node.before


def _key(state: State) -> Key:
    job, pending = state.job, state.pending
    workers = sorted(map(_worker_key, state.workers))
    owner = state.worker(job.worker) if job.is_running else None
    target = None if pending is None else state.worker(pending.worker)
    return (
        replace(job, worker=None),
        job.is_running and job.worker is not None and owner is None,
        owner and _worker_key(owner),
        target and _worker_key(target),
        pending and replace(pending, worker=0),
        tuple(workers),
        state.faults,
        state.open,
        _records_key(state),
        state.claims,
        state.starts if job.is_once else 0,
        state.losses,
        state.retries,
        state.life,
    )


def _worker_key(worker: Worker) -> Key:
    death = worker.death
    return (
        worker.exit_reason or "",
        "" if death is None else str(death.reason),
        death is not None and death.started is not None and len(death.started),
        tuple(map(_active_key, worker.actives)),
    )


def _active_key(active: ActiveAttempt) -> Key:
    return (
        active.claim,
        active.attempt,
        active.is_started,
        active.outcome or "",
        active.is_doubtful,
    )


def _records_key(state: State) -> Key:
    rows = (
        (record.claim, str(record.claim > state.life and record.outcome))
        for record in state.records
    )
    return tuple(sorted(rows))
