"""Notifies another supervisor of ready jobs for which no worker waits here."""

from collections.abc import Callable, Iterable, Sequence, Set

from pgqueue.core.queue_pattern import matches_any
from pgqueue.process.turns import Turns
from pgqueue.process.worker_pool import WorkerKind
from pgqueue.store import queues
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run


class Forwarding:
    """Forwards the ready jobs of a queue once after each notification, poll or promotion.

    The supervisor that is notified may forward them again, three times in all. A poll also finds
    the jobs of queues that this supervisor does not take.

    Only the dispatcher's thread writes its fields.

    Args:
        waiting_kinds: Kinds of the workers that wait to be woken.
        turns: How many supervisors there are.

    Attributes:
        _is_open: Whether ready jobs may have to be forwarded.
        _forward_count: How often they were forwarded before, at least.
        _job_count: How many jobs are ready, as far as is known.
        _forwarded: The queues that were forwarded since.
    """

    def __init__(
        self,
        supervisor_id: int,
        supervisor_queues: Sequence[str],
        waiting_kinds: Callable[[], Set[WorkerKind]],
        turns: Turns,
    ) -> None:
        self._turns = turns
        self._supervisor_id = supervisor_id
        self._queues = supervisor_queues
        self._waiting_kinds = waiting_kinds
        self._is_open = False
        self._forward_count = 0
        self._job_count = 1
        self._forwarded: set[str] = set()

    def receive(self, *, forward_count: int = 0, job_count: int = 1) -> None:
        """Forward the ready jobs that the next scans find, if no worker waits for them here."""
        if self._is_open:
            # The earlier jobs may not have been found yet.
            forward_count = min(forward_count, self._forward_count)
            job_count = max(job_count, self._job_count)
        self._is_open = forward_count < queues.FORWARDS_MAX
        self._forward_count = forward_count
        self._job_count = job_count
        self._forwarded.clear()

    def forward(self, link: Link, ready: Iterable[tuple[str, str, bool]]) -> None:
        """Notify another supervisor of ready jobs for which no worker waits here.

        Args:
            ready: (queue, executor, quarantined) of every queue with a ready job.
        """
        if not self._is_open or self._turns.supervisors == 1:
            return
        waiting = self._waiting_kinds()
        remaining: dict[str, int] = {}
        # While workers here take some of the jobs, the next scan shows what they left.
        self._is_open = False
        for queue, executor, quarantined in ready:
            if WorkerKind(executor, quarantined) in waiting and matches_any(self._queues, queue):
                self._is_open = True
            elif queue not in self._forwarded:
                remaining[queue] = self._job_count
        if remaining:
            self._forwarded.update(remaining)
            run(
                link,
                queues.notify(
                    remaining,
                    sender_id=self._supervisor_id,
                    forward_count=self._forward_count + 1,
                ),
            )
