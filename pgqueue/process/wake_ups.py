"""Decides which children to wake for queues that have ready jobs."""

from pgqueue.core.clock import MONOTONIC, Clock, Timer
from pgqueue.core.queue_pattern import claims_by_name
from pgqueue.core.settings import Settings
from pgqueue.process.child import Child
from pgqueue.process.dispatcher import Ready
from pgqueue.process.fleet import Fleet
from pgqueue.process.worker_pool import WorkerKind

# Workers that claim without a pause get the names of ready queues once in so long at most.
_QUEUES_READY_SECONDS = 0.1


class WakeUps:
    """Wakes waiting children in turn.

    `wake` runs on the supervisor's main thread, which writes everything here. `waiting_kinds` may
    be called on any thread.
    """

    def __init__(self, fleet: Fleet, settings: Settings, clock: Clock = MONOTONIC) -> None:
        self._fleet = fleet
        self._claims_by_name = claims_by_name(settings.queues)
        self._queues_ready = Timer(clock)
        self._turns = 0

    def wake(self, ready: Ready, wake_count: int) -> None:
        """Let *wake_count* waiting children of each kind claim from the queues that are ready.

        Children that claim without a pause get the names of these queues, if they claim by name:
        a queue that comes before their own may be among them.
        """
        sends_names = self._claims_by_name and self._queues_ready.is_due
        if sends_names:
            self._queues_ready.start(_QUEUES_READY_SECONDS)
        for kind, queues in ready.items():
            # No loaded task may have this executor: a job keeps the executor that its task had
            # when it was enqueued, and only a worker of that kind can send it on.
            self._fleet.want_pool(kind)
            children = [child for child in self._fleet.children.values() if child.kind == kind]
            waiting = [child for child in children if child.scoreboard.is_waiting]
            for child in self._in_turn(waiting)[:wake_count]:
                child.channel.try_send("claim", queues=list(queues))
            if sends_names:
                for child in children:
                    if child not in waiting:
                        child.channel.try_send("queues_ready", queues=list(queues))

    def waiting_kinds(self) -> set[WorkerKind]:
        """The kinds of the children that wait to be woken."""
        children = list(self._fleet.children.values())  # at once: another thread may call this
        return {child.kind for child in children if child.scoreboard.is_waiting}

    def _in_turn(self, children: list[Child]) -> list[Child]:
        # Another child comes first each time: one that hangs would be woken again and again.
        self._turns += 1
        first = self._turns % max(1, len(children))
        return children[first:] + children[:first]
