"""Lets another supervisor know of ready jobs for which no worker waits here."""

from collections.abc import Callable, Iterable, Sequence, Set

from pgqueue.core.clock import MONOTONIC, Clock
from pgqueue.core.queue_pattern import matches_any
from pgqueue.process.turns import Turns
from pgqueue.process.worker_pool import WorkerKind
from pgqueue.store import queues
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run


class Forwarding:
    """Forwards each news once: a notification, a poll or a promotion.

    A supervisor that is told forwards the news in its turn, three times in all. A poll also finds
    the jobs of queues that this supervisor does not take.

    Only the dispatcher's thread writes its fields.

    Args:
        waiting_kinds: Kinds of the workers that wait to be woken.

    Attributes:
        turns: The supervisors that take turns; none but this one at first.
        _is_new: Whether the news may be forwarded.
        _forward_count: How often it was forwarded before.
        _job_count: How many jobs are ready, as far as is known.
    """

    def __init__(
        self,
        supervisor_id: int,
        supervisor_queues: Sequence[str],
        waiting_kinds: Callable[[], Set[WorkerKind]],
        clock: Clock = MONOTONIC,
    ) -> None:
        self.turns = Turns(clock)
        self._supervisor_id = supervisor_id
        self._queues = supervisor_queues
        self._waiting_kinds = waiting_kinds
        self._is_new = False
        self._forward_count = 0
        self._job_count = 1

    def hear(self, *, forward_count: int = 0, job_count: int = 1) -> None:
        """News came; the next scan tells whether it has to be forwarded."""
        self._is_new = forward_count < queues.FORWARDS_MAX
        self._forward_count = forward_count
        self._job_count = job_count

    def forward(self, link: Link, ready: Iterable[tuple[str, str, bool]]) -> None:
        """Forward the news of ready jobs, if it is new and other supervisors have to claim them.

        Args:
            ready: (queue, executor, quarantined) of every queue with a ready job.
        """
        if not self._is_new or self.turns.supervisors == 1:
            return
        waiting = self._waiting_kinds()
        remaining: dict[str, int] = {}
        # While workers here take some of the jobs, the next scan tells what they left.
        self._is_new = False
        for queue, executor, quarantined in ready:
            if WorkerKind(executor, quarantined) in waiting and matches_any(self._queues, queue):
                self._is_new = True
            else:
                remaining[queue] = self._job_count
        if remaining:
            self._is_new = False
            run(
                link,
                queues.notify(
                    remaining,
                    sender_id=self._supervisor_id,
                    forward_count=self._forward_count + 1,
                ),
            )
