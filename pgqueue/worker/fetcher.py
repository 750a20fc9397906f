"""Claims what this worker has room for, in one statement over all its queues.

Sleeps until its supervisor says that there is work, or until room appears after a claim that
left work behind. A look of its own every minute makes it correct without any
hint, but for sub-queues, whose names come with hints alone.
"""

import logging
import random
import time
from collections.abc import Callable, Iterable, Sequence
from math import inf

from pgqueue.core.bounded_names import BoundedNames
from pgqueue.process.loop import Loop
from pgqueue.store import claims
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.connection.session import INDEX_ORDER_ONLY
from pgqueue.store.database_errors import RESOURCE_ERRORS
from pgqueue.store.statement import run
from pgqueue.worker.claim_cursors import ClaimCursors
from pgqueue.worker.in_flight import ActiveAttempt, InFlight
from pgqueue.worker.queues import Queues
from pgqueue.worker.reconciliation import reconcile

_log = logging.getLogger("pgqueue.fetcher")

# Between looks of our own. The supervisor polls for all its children every second; this is
# for the case that its hint is lost, or that it hangs. One that is due soon is taken with an
# account, as each of them would ask for a sign of life first.
_LOOK_SECONDS = 60.0

# How long a prefetched job may wait in hand for a slot before it is handed back.
_HOLD_SECONDS = 1.0

_CLAIMED_MAX = 1000

# Its supervisor takes a loop that turns less often than each 5 s for one that cannot turn.
_TURN_SECONDS_MAX = 2.0

# Between looks whether a recall is over; see `process.recall`.
_RECALL_SECONDS = 0.2

# After a connection broke, the claim that was under way on it may still take jobs, for as long
# as the server lets a statement of ours run (20 s).
_DOUBT_SECONDS = 25.0
_ACCOUNT_SECONDS_MIN = 0.2


class Fetcher(Loop):
    """The loop that claims.

    Args:
        queues: Which of them a claim asks.
        on_claimed: Turns claimed attempts into held ones; what this worker cannot run it
            hands back, and leaves out.
        on_arrived: Called when attempts were put in hand.
        on_release: Hands back attempts that waited too long for a slot.
        on_taken_away: Lets go of attempts in hand that are not this worker's any more.
        account_seconds: How often what is in hand is compared with the database, besides
            after every doubtful reply.
    """

    settings = INDEX_ORDER_ONLY

    def __init__(
        self,
        database: Database,
        in_flight: InFlight,
        *,
        worker_id: int,
        executor: str,
        queues: Queues,
        on_claimed: Callable[[Sequence[ClaimedAttempt], float], Iterable[ActiveAttempt]],
        on_arrived: Callable[[], None],
        on_release: Callable[[Sequence[ActiveAttempt]], None],
        on_taken_away: Callable[[Sequence[ActiveAttempt]], None],
        reconcile_seconds: float,
    ) -> None:
        super().__init__(f"fetcher {worker_id}", database)
        self._unknown_tasks = BoundedNames()
        self._cursors = ClaimCursors()
        self._in_flight = in_flight
        self._worker_id = worker_id
        self._executor = executor
        self._queues = queues
        self._on_claimed = on_claimed
        self._on_arrived = on_arrived
        self._on_release = on_release
        self._on_taken_away = on_taken_away
        self._reconcile_seconds = reconcile_seconds
        # Not all that were started together at once.
        self._reconcile_at = time.monotonic() + reconcile_seconds * random.uniform(0.5, 1.0)
        self._doubtful_at = -inf
        # How many recalls there were before the oldest claim whose reply may be lost.
        self._recalls_at_doubt: int | None = None
        self._reclaim_count = 0
        self._look_at = 0.0
        # When somebody last told of work, and when what is not read since then is to be read.
        self._woken_at = -inf
        self._reread_at = inf
        self._may_have_more = True
        self._needs_slot = False
        self._is_closed = False
        self._wants_room = False
        in_flight.on_room = self._room_made

    def queues_ready(self, queues: Iterable[str]) -> None:
        """There is work in *queues*: claim; safe on any thread."""
        self._queues.hear(queues)
        self._woken_at = time.monotonic()
        self._may_have_more = True
        self._needs_slot = False
        self._in_flight.set_waiting(False)
        self.wake()

    def leave_to_others(self, task: str) -> bool:
        """Claim that task no more; whether it was claimed before. Safe on any thread."""
        return self._unknown_tasks.add(task)

    def close_intake(self) -> None:
        """Claim nothing more; what waits in hand is handed back on the next turn."""
        self._is_closed = True
        self.wake()

    def run_once(self) -> float:
        """Take one turn now, and show the supervisor that one was taken."""
        self._in_flight.turned()
        # Most turns are for the supervisor's eyes alone, and ask the database nothing.
        pause = super().run_once() if self._is_due else self._look_pause()
        self._in_flight.set_waiting(not (self._may_have_more or self._is_closed))
        return pause

    @property
    def _is_due(self) -> bool:
        has_work = self._may_have_more or self._in_flight.waiting.qsize() > 0
        return has_work or self._is_closed or time.monotonic() >= self._due_at

    @property
    def _due_at(self) -> float:
        return min(self._look_at, self._reread_at, self._reconcile_at)

    def turn(self, link: Link) -> float:
        """Claim once, if there is room and may be work."""
        # Read before anything is asked: what is claimed after a recall began must tell.
        reclaim_count = self._reclaim_count = self._in_flight.reclaim_count
        is_reclaiming = reclaim_count % 2 == 1
        if is_reclaiming and not self._is_closed:
            return _RECALL_SECONDS
        soon = time.monotonic()
        if not is_reclaiming and soon >= self._reconcile_at:
            self._reconcile(link)
            soon += self._reconcile_seconds / 2
        if soon >= self._look_at:
            self._queues.hear_of_all()
            self._woken_at = time.monotonic()
            self._look_at = self._woken_at + _LOOK_SECONDS
            self._may_have_more = True
            self._needs_slot = False
        if time.monotonic() >= self._reread_at:
            self._reread_at = inf
            self._may_have_more = True
        if self._is_closed:
            self._on_release(self._in_flight.take_out_waiting())
            return _TURN_SECONDS_MAX
        room, free = self._room()
        if self._may_have_more and room > 0:
            self._claim(link, min(room, _CLAIMED_MAX), free, reclaim_count)
            return 0.0 if self._may_have_more and not self._is_closed else self._look_pause()
        self._wants_room = self._may_have_more
        if self._wants_room and self._room()[0] > 0:
            return 0.0  # room was made between the two looks, before anyone was asked to tell
        if self._in_flight.waiting.qsize():
            late = self._in_flight.take_out_waiting(waited_seconds=_HOLD_SECONDS)
            self._on_release(late)
            return _HOLD_SECONDS
        return self._look_pause()

    def _after(self, error: BaseException) -> float:
        # The reply to a claim may be what was lost; if not, there still is what it was to claim.
        self._reconcile_at = 0.0
        self._doubtful_at = time.monotonic()
        if self._recalls_at_doubt is None:
            self._recalls_at_doubt = self._reclaim_count
        self._may_have_more = True
        if not isinstance(error, RESOURCE_ERRORS):
            # What others had claimed and could not commit lies anywhere.
            self._cursors = ClaimCursors()
        return super()._after(error)

    def _reconcile(self, link: Link) -> None:
        # What was claimed before a recall may be handed back by now, or at this moment.
        reclaim_count = self._recalls_at_doubt
        reconciliation = reconcile(link, self._in_flight, self._worker_id)
        if time.monotonic() - self._doubtful_at > _DOUBT_SECONDS:
            self._recalls_at_doubt = None
        self._reconcile_at = time.monotonic() + self._reconcile_pause()
        if reconciliation.taken_away:
            self._on_taken_away(reconciliation.taken_away)
        if reconciliation.unknown_claims:
            _log.warning(
                "claim without a reply", extra={"job_count": len(reconciliation.unknown_claims)}
            )
            self._take(
                reconciliation.unknown_claims,
                self._reclaim_count if reclaim_count is None else reclaim_count,
            )

    def _reconcile_pause(self) -> float:
        doubtful_seconds = time.monotonic() - self._doubtful_at
        if doubtful_seconds > _DOUBT_SECONDS:
            return self._reconcile_seconds
        # As long again, so that a broken connection costs a few questions and no more.
        return min(self._reconcile_seconds, max(_ACCOUNT_SECONDS_MIN, doubtful_seconds))

    def _claim(self, link: Link, room: int, free: int, reclaim_count: int) -> None:
        self._may_have_more = False  # unless the answer, or a hint meanwhile, says otherwise
        queues = self._queues.take()
        claim = claims.claim(
            worker_id=self._worker_id,
            executor=self._executor,
            spans=self._cursors.spans(queues),
            unknown_tasks=sorted(self._unknown_tasks),
            jobs_max=room,
            slots_free=free,
        )
        try:
            batch = run(link, claim)
        except BaseException:
            self._queues.hear(queues)
            raise
        self._cursors.learn(batch)
        unread = self._cursors.unread_since(self._woken_at)
        self._queues.learn(queues, batch, unread)
        self._needs_slot = batch.needs_slot
        if batch.is_whole and not batch.claimed:
            # What it was woken for may have appeared behind its back.
            self._reread_at = self._cursors.rescan_at(unread)
        elif not batch.is_whole and (batch.claimed or batch.needs_slot):
            self._may_have_more = True  # else a trigger takes away whatever is claimed
        self._take(batch.claimed, reclaim_count)

    def _take(self, claimed: Sequence[ClaimedAttempt], reclaim_count: int) -> None:
        attempt = list(self._on_claimed(claimed, time.monotonic()))
        if claimed and not attempt and self._unknown_tasks.is_full:
            # More names than can be left out: claimed again at once, they would go round for ever.
            self._may_have_more = False
        self._in_flight.take_in(attempt, reclaim_count)
        if self._is_closed:
            self._on_release(self._in_flight.take_out_waiting())
        else:
            self._on_arrived()

    def _room(self) -> tuple[int, int]:
        room, free = self._in_flight.room()
        # What cannot be claimed yet would be locked, and kept from those who could claim it.
        return (free, free) if self._needs_slot else (room, free)

    def _room_made(self) -> None:
        # Called for every ended attempt, so it must cost nothing while nobody waits.
        if self._wants_room and self._room()[0] > 0:
            self._wants_room = False
            self.wake()

    def _look_pause(self) -> float:
        if self._in_flight.waiting.qsize():
            return _HOLD_SECONDS
        due_in = self._due_at - time.monotonic()
        return min(_TURN_SECONDS_MAX, max(0.0, due_in))
