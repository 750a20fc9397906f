"""Walk through every order of events, breadth first, and ask every invariant at every step.

Worlds are met by the shortest way first, so what breaks an invariant comes with a shortest
trace. Worlds that differ in names only are one (see `Key`). Whether a job can always still end
is asked when all worlds are known, over the steps without trouble: a way out that needs another
accident is none.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace

from model.invariants import INVARIANTS
from model.world import Event, Hand, Rules, Worker, World, normal, troubled

CAN_END = "a_job_can_always_end"
"""The name of what is asked last: from every world, a final status can be reached."""

Trace = tuple[Event, ...]
Key = tuple[object, ...]
"""A world without what changes nothing that can still happen: which of two equal workers is
which, how an attempt of an earlier life ended, how often a job was started that may be."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was seen.

    Attributes:
        worlds: How many different ones there are.
        broken: By the name of each invariant that broke, a shortest trace.
    """

    worlds: int
    broken: dict[str, Trace]


@dataclass(slots=True)
class _Met:
    """A world that was met, and by which step at first."""

    world: World
    parent: "_Met | None" = None
    event: Event | None = None
    before: "list[_Met]" = field(default_factory=list)
    can_end: bool = False

    @property
    def trace(self) -> Trace:
        if self.parent is None or self.event is None:
            return ()
        return (*self.parent.trace, self.event)


def explore(first: World, rules: Rules, until: Collection[str] = ()) -> Report:
    """Walk through all that can come of a world.

    Args:
        until: Stop when these invariants are broken: some wrong protocols never come to an end.
    """
    met = {_key(first): _Met(first)}
    waiting = deque(met.values())
    broken: dict[str, Trace] = {}
    while waiting:
        here = waiting.popleft()
        for event, after, is_normal in _steps(here.world, rules):
            for invariant in INVARIANTS:
                name = invariant.__name__
                if name not in broken and not invariant(here.world, event, after):
                    broken[name] = (*here.trace, event)
                    if until and broken.keys() >= set(until):
                        return Report(len(met), broken)
            key = _key(after)
            if (there := met.get(key)) is None:
                there = met[key] = _Met(after, here, event)
                waiting.append(there)
            if is_normal:
                there.before.append(here)
    _mark(each for each in met.values() if each.world.job.status.is_final)
    stuck = next((each for each in met.values() if not each.can_end), None)
    if stuck is not None:
        broken[CAN_END] = stuck.trace
    return Report(len(met), broken)


def _steps(world: World, rules: Rules) -> Iterator[tuple[Event, World, bool]]:
    for event, after in normal(world, rules):
        yield event, after, True
    for event, after in troubled(world, rules):
        yield event, after, False


def _mark(ends: Iterable[_Met]) -> None:
    waiting = list(ends)
    while waiting:
        each = waiting.pop()
        if not each.can_end:
            each.can_end = True
            waiting += each.before


def _key(world: World) -> Key:
    job, letter = world.job, world.letter
    workers = sorted(map(_worker_key, world.workers))
    holder = world.worker(job.worker) if job.is_running else None
    addressee = None if letter is None else world.worker(letter.worker)
    return (
        replace(job, worker=None),
        job.is_running and job.worker is not None and holder is None,
        holder and _worker_key(holder),
        addressee and _worker_key(addressee),
        letter and replace(letter, worker=0),
        tuple(workers),
        world.troubles,
        world.open,
        _records_key(world),
        world.claims,
        world.starts if job.is_once else 0,
        world.losses,
        world.retries,
        world.life,
    )


def _worker_key(worker: Worker) -> Key:
    death = worker.death
    return (
        worker.fate or "",
        "" if death is None else str(death.reason),
        death is not None and death.started is not None and len(death.started),
        tuple(map(_hand_key, worker.hands)),
    )


def _hand_key(hand: Hand) -> Key:
    return (hand.claim, hand.attempt, hand.is_started, hand.outcome or "", hand.is_doubtful)


def _records_key(world: World) -> Key:
    rows = ((each.claim, str(each.claim > world.life and each.outcome)) for each in world.records)
    return tuple(sorted(rows))
