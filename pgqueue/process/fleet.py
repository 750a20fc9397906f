"""The workers that a supervisor wants, against the ones that live.

`want` sets a number and `reconcile` makes it so. Starting, replacing a worker that ended,
quarantine workers and stopping are all a difference between wanted and live.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pgqueue.core.events.event import emit
from pgqueue.core.events.workers import WorkerLost, WorkerStarted, WorkerStopped, WorkerUnstarted
from pgqueue.core.settings import Settings
from pgqueue.process.child import UNWIND_SECONDS, Child, ExitReason
from pgqueue.process.counters import Usage, usage_of
from pgqueue.process.launcher import Launcher
from pgqueue.process.reactor import Reactor
from pgqueue.process.worker_pool import WorkerKind, WorkerPool, pool_for

# A worker that ended earlier lived shortly. After two short lives in a row, new workers wait.
_SHORT_LIFE_SECONDS = 5.0
_SHORT_LIVES_MAX = 2

# The pause before a new worker doubles with each short life.
_RESPAWN_SECONDS_MAX = 30.0
_RESPAWN_DOUBLINGS_MAX = 5

# The channel of a child that does not read is full; the stop is sent as soon as the child reads.
_REPEAT_STOP_SECONDS = 0.2

# What a line raises that is no message, or a message without its fields.
_BAD_MESSAGE = (ValueError, TypeError, KeyError, AttributeError)


@dataclass(slots=True)
class _Demand:
    """The workers of one kind.

    Attributes:
        wanted: How many there should be.
        starting: How many are being registered.
        delayed: How many start after a pause, because the ones before them lived shortly.
        surplus_ids: The live workers that were stopped because fewer are wanted.
    """

    wanted: int = 0
    starting: int = 0
    delayed: int = 0
    surplus_ids: set[int] = field(default_factory=set)


class Fleet:
    """Starts workers that are missing, and stops workers that are surplus.

    The supervisor's main thread owns it, and alone writes its fields. `usage` may be called on any
    thread, and any thread may copy `children`.

    Args:
        on_message: Called with a child and one message of it.
        on_ended: Called with a child after its end was submitted, before it is replaced.

    Attributes:
        children: The live ones by worker id, the oldest first.
    """

    def __init__(
        self,
        settings: Settings,
        launcher: Launcher,
        reactor: Reactor,
        *,
        on_message: Callable[[Child, dict[str, Any]], None],
        on_ended: Callable[[Child, ExitReason], None],
    ) -> None:
        self.children: dict[int, Child] = {}
        self._settings = settings
        self._launcher = launcher
        self._reactor = reactor
        self._on_message = on_message
        self._on_ended = on_ended
        self._demands: dict[WorkerKind, _Demand] = {}
        self._short_lives = 0
        self._is_closed = False

    @property
    def is_starting(self) -> bool:
        """Whether a worker is being registered."""
        return any(demand.starting for demand in self._demands.values())

    def usage(self) -> Usage:
        """How busy the live workers are, among the slots of all that are wanted.

        Producers choose by it whom to notify. A supervisor whose workers start or are replaced is
        no smaller for them, and one that stops has no slot.
        """
        # At once, as another thread may call this.
        kinds, children = list(self._demands), list(self.children.values())
        slots = sum(
            self._demands[kind].wanted * pool_for(kind, self._settings).slots for kind in kinds
        )
        return usage_of(slots, (child.counters for child in children))

    @property
    def is_idle(self) -> bool:
        """Whether no worker has a job; safe on any thread."""
        return all(child.scoreboard.is_idle for child in list(self.children.values()))

    # Wanted.

    def want(self, kind: WorkerKind, count: int) -> None:
        """Set how many workers of a kind there should be; `reconcile` makes it so."""
        if not self._is_closed:
            self._demands.setdefault(kind, _Demand()).wanted = count

    def want_pool(self, kind: WorkerKind) -> None:
        """Start as many workers of a kind as the settings say, unless a number was set before."""
        if kind not in self._demands:
            self.want(kind, pool_for(kind, self._settings).processes)
            self.reconcile()

    def want_none(self) -> None:
        """Want no worker, from now on and for ever."""
        self._is_closed = True
        for demand in self._demands.values():
            demand.wanted = 0

    # Reconciled.

    def reconcile(self, grace_seconds: float | None = None) -> None:
        """Start the workers that are missing, and stop the surplus, the youngest first.

        Args:
            grace_seconds: How long the surplus may go on, also the part that was stopped before.
                None for the grace of the settings, for the new part of it.
        """
        grace = self._settings.grace_seconds if grace_seconds is None else grace_seconds
        for kind, demand in list(self._demands.items()):
            live = self._live(kind)
            surplus = live[demand.wanted :]
            demand.surplus_ids.update(child.worker_id for child in surplus)
            if grace_seconds is not None:
                surplus = [
                    child
                    for child in self.children.values()
                    if child.worker_id in demand.surplus_ids
                ]
            for child in surplus:
                self.stop(child, grace)
            for _ in range(demand.wanted - len(live) - demand.starting - demand.delayed):
                self._start(kind)

    def stop(self, child: Child, grace_seconds: float, detail: str | None = None) -> None:
        """Stop a child within the grace, and kill it if it goes on; `reconcile` replaces it.

        Args:
            detail: Why, for its row.
        """
        child.stop(grace_seconds, detail or "stopped by its supervisor")
        self._repeat_stop(child)
        kill = partial(child.kill, "stopped", detail or "still ran after the grace")
        self._reactor.call_later(grace_seconds + UNWIND_SECONDS, kill)

    def collect_ended(self) -> None:
        """Remove the children that have ended, and replace them."""
        for child in [child for child in self.children.values() if child.has_ended]:
            self._on_child_exit(child)

    def kill_all(self, detail: str) -> None:
        """Kill the children that still live, and write their ends.

        Args:
            detail: Why, for their rows.
        """
        self.want_none()
        for child in self.children.values():
            child.kill("stopped", detail)
        for child in list(self.children.values()):
            child.process.wait()
            self._on_child_exit(child)

    # Starts.

    def _live(self, kind: WorkerKind) -> list[Child]:
        surplus_ids = self._demands[kind].surplus_ids
        children = [child for child in self.children.values() if child.kind == kind]
        return [child for child in children if child.worker_id not in surplus_ids]

    def _start(self, kind: WorkerKind) -> None:
        self._demands[kind].starting += 1
        pool = pool_for(kind, self._settings)
        call_soon = self._reactor.call_soon_threadsafe
        self._launcher.register(
            pool, lambda worker_id: call_soon(partial(self._spawn, pool, worker_id))
        )

    def _spawn(self, pool: WorkerPool, worker_id: int) -> None:
        demand = self._demands[pool.kind]
        demand.starting -= 1
        if len(self._live(pool.kind)) >= demand.wanted:
            self._launcher.record_unstarted([worker_id])
            return
        try:
            child = self._launcher.spawn(pool, worker_id)
        except OSError as error:
            # The system may lack files, processes or memory for a moment.
            self._launcher.record_unstarted([worker_id])
            self._short_lives += 1
            pause = self._delay_next(demand)
            reason = str(error)
            emit(WorkerUnstarted(worker_id=worker_id, reason=reason, pause_seconds=pause))
            return
        self.children[worker_id] = child
        self._reactor.register(child.channel, partial(self._receive, child))
        emit(WorkerStarted(worker_id=worker_id, **pool.kind._asdict(), pid=child.pid))

    def _receive(self, child: Child) -> bool:
        # False when nothing more can be received.
        try:
            messages = child.channel.receive(wait=False)
            for message in messages or ():
                self._on_message(child, message)
        except _BAD_MESSAGE as error:
            # The fault is this child's, perhaps of a task that wrote to the wrong file. The
            # supervisor goes on with the other children.
            self._reactor.unregister(child.channel)
            child.kill("died", f"sent a bad message: {error}")
            return False
        if messages is None:
            self._reactor.unregister(child.channel)
        return bool(messages)

    # Ends.

    def _repeat_stop(self, child: Child) -> None:
        if not child.has_ended and not child.repeat_stop():
            self._reactor.call_later(_REPEAT_STOP_SECONDS, partial(self._repeat_stop, child))

    def _on_child_exit(self, child: Child) -> None:
        del self.children[child.worker_id]
        while self._receive(child):
            pass
        self._reactor.unregister(child.channel)
        cause = child.exit_reason()
        started = child.scoreboard.started()
        child.close()
        self._launcher.record_end(child.worker_id, cause, started)
        self._delay_replacement(child)
        if cause.reason == "stopped":
            emit(WorkerStopped(worker_id=child.worker_id, detail=cause.detail))
        else:
            emit(WorkerLost(worker_id=child.worker_id, reason=cause.reason, detail=cause.detail))
        self._on_ended(child, cause)
        self.reconcile()

    def _delay_replacement(self, child: Child) -> None:
        demand = self._demands[child.kind]
        if child.worker_id in demand.surplus_ids:
            demand.surplus_ids.remove(child.worker_id)
            return
        is_short = child.age.seconds < _SHORT_LIFE_SECONDS
        self._short_lives = self._short_lives + 1 if is_short else 0
        if self._short_lives >= _SHORT_LIVES_MAX:
            self._delay_next(demand)

    def _delay_next(self, demand: _Demand) -> float:
        doublings = max(0, min(self._short_lives - _SHORT_LIVES_MAX, _RESPAWN_DOUBLINGS_MAX))
        pause = min(_RESPAWN_SECONDS_MAX, 2.0**doublings)
        demand.delayed += 1
        self._reactor.call_later(pause, partial(self._end_delay, demand))
        return pause

    def _end_delay(self, demand: _Demand) -> None:
        demand.delayed -= 1
        self.reconcile()
