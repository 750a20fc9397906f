"""Watches the database for all children of a supervisor, and wakes those with work to claim.

Holds the one listener and the one idle poll, so that idle cost does not grow with children.
A notification is a hint; the poll is the truth, and alone it is enough. Promotes what falls
due, and passes on cancellations asked for while a job runs.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from pgqueue.core.lifecycle import JobStatus
from pgqueue.process.crew import Kind
from pgqueue.process.loop import Loop
from pgqueue.store import processes, upkeep
from pgqueue.store.connect import Database, Link
from pgqueue.store.processes import Cancelling
from pgqueue.store.rounds import Rounds
from pgqueue.store.statement import run
from pgqueue.store.upkeep import Unfinished

_log = logging.getLogger("pgqueue.watch")

# Producers that commit without pause notify without pause; one look serves all that came
# within this time.
_LOOK_SECONDS_MIN = 0.01

# A look that takes longer than this is taken for a twentieth of the time at most. Meanwhile
# workers go on to claim, and the idle look by themselves.
_LONG_LOOK_SECONDS = 0.05
_LOOK_SHARE = 1 / 20

_PROMOTED_MAX = 1000

_COUNT_SECONDS = 1.0

# A connection that fell silent brings no notification either. Each wait for one ends after
# this, so that the loop asks for a sign of life; see
# test_a_listener_that_fell_silent_is_found_out.
_LISTEN_SECONDS_MAX = 3.0

Ready = Mapping[Kind, Sequence[str]]
"""Queues with a ready job, by the kind of worker it needs."""


class Watch(Loop):
    """Looks every *poll_seconds*, and at once when it is notified.

    Args:
        on_ready: Told what is ready, when anything is.
        on_cancelling: Told the running jobs that somebody asked to cancel.
        on_idle: Told what is unfinished in `queues`; for a burst, which ends when nothing is.
    """

    def __init__(
        self,
        database: Database,
        *,
        supervisor_id: int,
        queues: Sequence[str],
        poll_seconds: float,
        on_ready: Callable[[Ready], None],
        on_cancelling: Callable[[Sequence[Cancelling]], None],
        on_idle: Callable[[Sequence[Unfinished]], None] | None = None,
    ) -> None:
        super().__init__("watch", database)
        self._supervisor_id = supervisor_id
        self._queues = queues
        self._poll_seconds = poll_seconds
        self._on_ready = on_ready
        self._on_cancelling = on_cancelling
        self._on_idle = on_idle
        self._promotion = Rounds(upkeep.promote, upkeep.first_scheduled, _PROMOTED_MAX)
        self._poll_at = 0.0
        self._ready_at = 0.0
        self._count_at = 0.0

    def opened(self, link: Link) -> None:
        """Listen, and poll at once: what was notified before is not heard."""
        if link.is_pooled:
            _log.info("polling only: nobody can listen through a pooler; listen_url leads past it")
        else:
            link.listen()
        self._poll_at = 0.0

    def turn(self, link: Link) -> float:
        """Look once, then wait for a notification or the next poll."""
        is_poll = time.monotonic() >= self._poll_at
        if is_poll:
            if asked := run(link, processes.cancelling(self._supervisor_id)):
                self._on_cancelling(asked)
            # A round at a time: many that fall due at once hold up neither wake-ups nor
            # cancellations.
            has_more = self._promotion.take(link)
            self._poll_at = time.monotonic() + (0.0 if has_more else self._poll_seconds)
        ready = self._look(link)
        if ready:
            self._on_ready(ready)
        if self._on_idle is not None and (is_poll if not ready else self._is_time_to_count()):
            left = run(link, upkeep.unfinished(self._queues))
            self._on_idle(left)
        until_poll = max(0.0, self._poll_at - time.monotonic())
        if link.is_pooled:
            return until_poll
        if not self._stopping.wait(_LOOK_SECONDS_MIN):
            link.woken(min(until_poll, _LISTEN_SECONDS_MAX))
        return 0.0

    def _is_time_to_count(self) -> bool:
        # What is ready may be of tasks that no worker here knows, and would never end a
        # burst. Counting a backlog is dear, so it is not done at every poll.
        is_time = time.monotonic() >= self._count_at
        if is_time:
            self._count_at = time.monotonic() + _COUNT_SECONDS
        return is_time

    def _look(self, link: Link) -> Ready:
        began_at = time.monotonic()
        if began_at < self._ready_at:
            return {}
        ready = self._ready(link)
        seconds = time.monotonic() - began_at
        if seconds > _LONG_LOOK_SECONDS:
            # Entries of jobs that were taken lie in front, and somebody keeps them there.
            self._ready_at = time.monotonic() + seconds / _LOOK_SHARE
        return ready

    def _ready(self, link: Link) -> Ready:
        found: defaultdict[Kind, list[str]] = defaultdict(list)
        for queue, executor, quarantined in run(link, upkeep.ready()):
            if self._listens_to(queue):
                found[Kind(executor, quarantined)].append(queue)
        return found

    def _listens_to(self, queue: str) -> bool:
        return any(
            queue.startswith(name) if name.endswith("/") else queue == name for name in self._queues
        )


def runnable(left: Sequence[Unfinished], unknown_tasks: frozenset[str]) -> list[Unfinished]:
    """What of *left* can still go on, when no worker knows *unknown_tasks*."""
    return [
        each for each in left if each.status is JobStatus.RUNNING or each.task not in unknown_tasks
    ]
