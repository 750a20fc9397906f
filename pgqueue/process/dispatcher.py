"""Watches the database for all children of a supervisor, and wakes those with work to claim.

Holds the one listener and the one idle poll, so that idle cost does not grow with children.
A notification is a hint; the poll is the truth, and alone it is enough. Producers notify only
while a row of ours says that we want it. Promotes what falls due, and passes on cancellations
asked for while a job runs.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from math import inf

from pgqueue.core.backoff import backoff_seconds
from pgqueue.core.lifecycle import JobStatus
from pgqueue.core.queue_pattern import claims_by_name
from pgqueue.process.loop import Loop
from pgqueue.process.polling import Polling
from pgqueue.process.worker_pool import WorkerKind
from pgqueue.store import promotion, queues, requests, supervisors
from pgqueue.store.batched_statement import BatchedStatement
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.database_errors import DATABASE_ERRORS, READ_ONLY_ERRORS
from pgqueue.store.queues import ReadyQueues, UnfinishedJobs
from pgqueue.store.requests import CancelRequest
from pgqueue.store.statement import run

_log = logging.getLogger("pgqueue.watch")

# A poll that is due within this part of its pause is taken with a look.
_POLL_SHARE = 0.1

_PROMOTED_MAX = 1000

_PROMOTE_SECONDS_MIN = 0.01

# When the look tells of nothing: for jobs that were put in as due long ago.
_PROMOTE_SECONDS = 10.0

_COUNT_SECONDS = 1.0

# A connection that fell silent brings no notification either. Each wait for one ends after
# this, so that the loop asks for a sign of life; see
# test_a_listener_that_fell_silent_is_found_out.
_LISTEN_SECONDS_MAX = 3.0

# What is told of wake-ups is told again before it has ceased to count, which it does soon after
# we are gone.
_TELL_SECONDS = 30.0
_TOLD_SECONDS = 90.0

# Between looks in a rush while no worker waits to be woken.
_UNAWAITED_SECONDS = 0.1

# After a look that took the server long.
_REST_SECONDS_MAX = 10.0
_NAMES_SECONDS_MAX = 1.0

Ready = Mapping[WorkerKind, Sequence[str]]
"""Queues with a ready job, by the kind of worker it needs."""


class Dispatcher(Loop):
    """Looks every *poll_seconds*, and at once when it is notified.

    Args:
        on_ready: Told what is ready, when anything is, and how many workers of each kind to wake
            for it.
        on_cancelling: Told the running jobs that somebody asked to cancel.
        waiting_kinds: Of workers that wait to be woken. While none of a kind that has work does, a
            rush is looked at less.
        on_idle: Told what is unfinished in `queues`; for a burst, which ends when nothing is.
    """

    def __init__(
        self,
        database: Database,
        *,
        supervisor_id: int,
        queues: Sequence[str],
        poll_seconds: float,
        on_ready: Callable[[Ready, int], None],
        on_cancelling: Callable[[Sequence[CancelRequest]], None],
        waiting_kinds: Callable[[], Set[WorkerKind]] = lambda: {WorkerKind("greenlet")},
        on_idle: Callable[[Sequence[UnfinishedJobs]], None] | None = None,
    ) -> None:
        super().__init__("watch", database)
        self._supervisor_id = supervisor_id
        self._queues = queues
        self._poll_seconds = poll_seconds
        self._on_ready = on_ready
        self._on_cancelling = on_cancelling
        self._waiting_kinds = waiting_kinds
        self._on_idle = on_idle
        # What a rest hides from others they find from their places; not so the names of queues.
        rest_seconds_max = _NAMES_SECONDS_MAX if claims_by_name(queues) else _REST_SECONDS_MAX
        self._pace = Polling(poll_seconds, rest_seconds_max=rest_seconds_max)
        self._told: bool | None = None
        self._tell_at = 0.0
        self._promotion = BatchedStatement(
            promotion.promote, promotion.first_scheduled, _PROMOTED_MAX
        )
        self._promotions_failed = 0
        self._promote_at = 0.0
        self._promoted_at = 0.0
        self._poll_at = 0.0
        self._looked_at = 0.0
        self._count_at = 0.0
        self._listened_seconds = 0.0
        self._plain_queues = [queue for queue in queues if not queue.endswith("/")]
        # As good a guess as any, until something was found.
        self._found: Ready = {WorkerKind("greenlet"): self._plain_queues}
        self._is_woken = False

    def opened(self, link: Link) -> None:
        """Listen, and poll at once: what was notified before is not heard."""
        if link.is_pooled:
            _log.info("polling only: nobody can listen through a pooler; listen_url leads past it")
        else:
            link.listen()
        self._told = None
        self._poll_at = self._promote_at = 0.0

    @property
    def ping_after_idle_seconds(self) -> float:
        """A poll needs no sign of life before it: its first question asks for one."""
        return inf if self._is_poll_due else super().ping_after_idle_seconds

    @property
    def _is_poll_due(self) -> bool:
        return time.monotonic() >= self._poll_at - _POLL_SHARE * self._poll_seconds

    def turn(self, link: Link) -> float:
        """Look once, then wait for a notification or the next look."""
        is_poll = self._is_poll_due
        if is_poll:
            self._poll_at = time.monotonic() + self._poll_seconds
            with link.short_timeout():
                asked = run(link, requests.cancel_requests(self._supervisor_id))
            if asked:
                self._on_cancelling(asked)
        # Before the look: who did not notify yet is found by it, or by those soon after it.
        self._tell(link)
        if self._is_promotion_due(is_poll):
            self._promote(link)
        ready = self._look(link, is_poll)
        if ready:
            self._on_ready(ready, self._pace.wakes)
        if self._on_idle is not None and self._is_time_to_count(is_poll and ready == {}):
            left = run(link, queues.unfinished(self._queues))
            self._on_idle(left)
        return self._rest(link)

    def _is_promotion_due(self, is_poll: bool) -> bool:
        # What nothing tells of has time until the last poll before its own time: a turn between
        # two polls would cost a look as well. See
        # test_a_promotion_that_nothing_asked_for_comes_with_a_poll. While looks rest nothing tells
        # of any.
        if is_poll and not self._pace.may_look and not self._promotions_failed:
            return True
        early_seconds = self._poll_seconds if is_poll else 0.0
        anyway_at = self._promoted_at + _PROMOTE_SECONDS - early_seconds
        return time.monotonic() >= min(self._promote_at, anyway_at)

    def _promote(self, link: Link) -> None:
        # A round at a time: many that fall due at once hold up neither wake-ups nor cancellations.
        pause = inf
        self._promoted_at = time.monotonic()
        try:
            if self._promotion.take(link):
                pause = 0.0
            self._promotions_failed = 0
        except DATABASE_ERRORS as error:
            # What keeps these jobs from being promoted must not keep others from being run.
            if not (link.is_usable and link.is_idle) or isinstance(error, READ_ONLY_ERRORS):
                raise
            self._promotions_failed += 1
            pause = backoff_seconds(self._promotions_failed)
            facts = {"failures": self._promotions_failed, "pause_seconds": round(pause, 2)}
            reason = str(error).strip().partition("\n")[0]
            _log.warning("promotion failed, trying again", extra={**facts, "reason": reason})
        self._promote_at = time.monotonic() + pause

    def _tell(self, link: Link) -> None:
        wants = self._pace.wants_notify and not link.is_pooled
        if wants == self._told and time.monotonic() < self._tell_at:
            return
        self._pace.supervisor_count = run(
            link,
            supervisors.announce(
                self._supervisor_id, self._queues, wants_notify=wants, seconds=_TOLD_SECONDS
            ),
        )
        if wants != self._told:
            self._pace.restart()
        self._told = wants
        self._tell_at = time.monotonic() + _TELL_SECONDS

    def _rest(self, link: Link) -> float:
        until = min(self._poll_at, self._promote_at, self._promoted_at + _PROMOTE_SECONDS)
        pause = max(0.0, min(self._pace.pause, until - time.monotonic()))
        self._is_woken = False
        if link.is_pooled:
            return pause
        if not self._told:
            # Others may want notifications, and what they get comes here too.
            link.drain(pause)
            return 0.0
        began_at = time.monotonic()
        self._is_woken = link.woken(min(pause, _LISTEN_SECONDS_MAX))
        self._listened_seconds += time.monotonic() - began_at
        if self._is_woken:
            guess = self._guess()
            if guess:
                self._on_ready(guess, 1)
            pause = self._pace.woken(self._listened_seconds, is_served=bool(guess))
            self._listened_seconds = 0.0
            self._stopping.wait(pause)
        return 0.0

    def _guess(self) -> Ready:
        # A job that comes alone is most often for whom the last one was for. It starts a look
        # earlier, and the look that follows finds out if that was wrong. Where others hear
        # the same, most of them would claim in vain.
        is_plain = self._pace.supervisor_count == 1 and not claims_by_name(self._queues)
        return self._found if is_plain else {}

    def _is_time_to_count(self, nothing_is_ready: bool) -> bool:
        # What is ready may be of tasks that no worker here knows, and would never end a
        # burst. Counting a backlog is dear, so it is not done at every poll.
        is_time = nothing_is_ready or time.monotonic() >= self._count_at
        if is_time:
            self._count_at = time.monotonic() + _COUNT_SECONDS
        return is_time

    def _look(self, link: Link, is_poll: bool) -> Ready | None:
        """What is ready; None when it is not time for a look."""
        if not self._pace.may_look:
            # What was ready then may be so again, something of another kind too, and who is woken
            # sees by himself.
            waiting = dict.fromkeys(self._waiting_kinds(), self._plain_queues)
            return {**waiting, **self._found} if self._is_woken or is_poll else None
        if not (is_poll or self._told or self._is_awaited) and (
            time.monotonic() - self._looked_at < _UNAWAITED_SECONDS
        ):
            # In a rush looks come each hundredth of a second, and who claims without a pause finds
            # by itself what is ready. What falls due next is told by a look alone.
            return None
        self._looked_at = time.monotonic()
        look = self._ask_for_look(link)
        found: defaultdict[WorkerKind, list[str]] = defaultdict(list)
        for queue, executor, quarantined in look.ready:
            if self._listens_to(queue):
                found[WorkerKind(executor, quarantined)].append(queue)
        self._found = found or self._found
        self._pace.looked(found=bool(found), seconds=look.seconds)
        if look.due_in_seconds is not None and not self._promotions_failed:
            due_at = time.monotonic() + look.due_in_seconds
            # What was due and a promotion left behind is locked, or was refused.
            is_left = due_at < self._promoted_at
            pause = self._poll_seconds if is_left else _PROMOTE_SECONDS_MIN
            self._promote_at = min(self._promote_at, max(due_at, self._promoted_at + pause))
            if look.due_in_seconds <= 0 and not is_left:
                # Another supervisor may be promoting it, and tells nobody.
                self._pace.restart()
        return found

    @property
    def _is_awaited(self) -> bool:
        return not self._waiting_kinds().isdisjoint(self._found)

    def _ask_for_look(self, link: Link) -> ReadyQueues:
        # One after the other in a rush, so that a connection falls silent in the midst of one.
        if self._failures or self._pace.is_slow:
            return run(link, queues.find_ready())
        with link.short_timeout():
            return run(link, queues.find_ready())

    def _listens_to(self, queue: str) -> bool:
        return any(
            queue.startswith(name) if name.endswith("/") else queue == name for name in self._queues
        )


def runnable(left: Sequence[UnfinishedJobs], unknown_tasks: frozenset[str]) -> list[UnfinishedJobs]:
    """What of *left* can still go on, when no worker knows *unknown_tasks*."""
    return [
        each for each in left if each.status is JobStatus.RUNNING or each.task not in unknown_tasks
    ]
