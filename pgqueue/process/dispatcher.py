"""Finds work for all children of a supervisor, and wakes the workers that can claim it.

Holds the one listener and the one idle poll, so that idle cost does not grow with children. The
poll alone is enough; a notification only makes it faster. Producers notify only while the
supervisor's row says that it wants notifications, and one supervisor for each job. Supervisors take
turns to poll for all of them. The one that finds a job for which it has no waiting worker notifies
another. The dispatcher also promotes jobs that fall due, and reads the requests to the
supervisor's workers.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from math import inf

from pgqueue.core.clock import MONOTONIC, Clock, Stopwatch, Timer
from pgqueue.core.events.event import emit
from pgqueue.core.events.services import NotificationsUnavailable
from pgqueue.core.queue_pattern import claims_by_name, matches_any, split_patterns
from pgqueue.process.announcement import Announcement
from pgqueue.process.forwarding import Forwarding
from pgqueue.process.loop import Loop
from pgqueue.process.polling import Polling
from pgqueue.process.promotion import Promotion
from pgqueue.process.request_reader import RequestReader
from pgqueue.process.turns import Turns
from pgqueue.process.worker_pool import WorkerKind
from pgqueue.store import queues
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.connection.session import INDEX_ORDER_ONLY
from pgqueue.store.queues import ReadyQueues, UnfinishedJobs
from pgqueue.store.statement import run
from pgqueue.store.supervisors import SupervisorIdentity

_COUNT_SECONDS = 1.0

# A connection that receives nothing any more brings no notification either. Each wait for one ends
# after this, so that the loop pings the server; see test_a_listener_that_fell_silent_is_found_out.
# Where others poll too, a later ping will do.
_LISTEN_SECONDS_MAX = 3.0

# After a scan that took the server long.
_REST_SECONDS_MAX = 10.0
_NAMES_SECONDS_MAX = 1.0

Ready = Mapping[WorkerKind, Sequence[str]]
"""Queues with a ready job, by the kind of worker it needs."""

OnIdle = Callable[[Sequence[UnfinishedJobs]], None]


class Dispatcher(Loop):
    """Scans in its turn of *poll_seconds*, and at once at a notification.

    Only its own thread writes its fields.

    Args:
        identity: The supervisor's queues, and the rest of its row.
        turns: Whose turn it is to poll.
        polls_alone: Poll as if no other supervisor did. A supervisor that cannot listen does that
            too.
        request_reader: Called when a poll finds open requests, and at a notification of requests.
        on_ready: Gets the queues with ready jobs, when there are any, and how many workers of each
            kind to wake for them.
        waiting_kinds: Kinds of the workers that wait to be woken. While none waits of a kind that
            has work, another supervisor is notified, and a storm of notifications gets fewer scans.
        on_idle: Gets the unfinished jobs in `queues`; for a burst, which ends without any.
    """

    settings = INDEX_ORDER_ONLY

    def __init__(
        self,
        database: Database,
        *,
        supervisor_id: int,
        identity: SupervisorIdentity,
        turns: Turns | None = None,
        polls_alone: bool = False,
        request_reader: RequestReader,
        poll_seconds: float,
        on_ready: Callable[[Ready, int], None],
        waiting_kinds: Callable[[], Set[WorkerKind]] = lambda: {WorkerKind("greenlet")},
        on_idle: OnIdle | None = None,
        clock: Clock = MONOTONIC,
    ) -> None:
        super().__init__("dispatcher", database)
        self._supervisor_id = supervisor_id
        self._turns = turns or Turns(clock)
        self._polls_alone = polls_alone
        self._queues = identity.queues
        self._plain_queues = split_patterns(identity.queues)[0]
        self._claims_by_name = claims_by_name(identity.queues)
        self._on_ready = on_ready
        self._requests = request_reader
        self._waiting_kinds = waiting_kinds
        self._unfinished = (
            None if on_idle is None else UnfinishedCount(identity.queues, on_idle, clock)
        )
        # Workers find jobs behind their cursors while scans rest, but not the names of queues.
        rest_seconds_max = _NAMES_SECONDS_MAX if self._claims_by_name else _REST_SECONDS_MAX
        self.polling = Polling(poll_seconds, rest_seconds_max=rest_seconds_max, clock=clock)
        self._promotion = Promotion(poll_seconds, clock=clock)
        self._forwarding = Forwarding(supervisor_id, identity.queues, waiting_kinds, self._turns)
        self._announcement = Announcement(supervisor_id, identity)
        self._clock = clock
        # A good guess, until a scan finds something.
        self._found: Ready = {WorkerKind("greenlet"): self._plain_queues}
        self._is_woken = False

    def opened(self, link: Link) -> None:
        """Listen, and poll at once: earlier notifications were not received."""
        if link.is_pooled:
            emit(NotificationsUnavailable())
        else:
            link.listen(self._supervisor_id)
            if not self._polls_alone:
                self.polling.turns = self._promotion.turns = self._turns
        self._announcement.forget()
        self.polling.poll_now()
        self._promotion.expire()

    @property
    def ping_after_idle_seconds(self) -> float:
        """A poll needs no ping before it: its first statement is one, but for a promotion."""
        is_poll = self.polling.is_poll_due
        promotes = self._promotion.is_due(is_poll=is_poll, may_scan=True)
        return inf if is_poll and not promotes else super().ping_after_idle_seconds

    def turn(self, link: Link) -> float:
        """Scan once, then wait for a notification or the next scan."""
        is_poll = self.polling.is_poll_due
        if is_poll:
            self.polling.start_poll()
            self._forwarding.receive()
            if not self.polling.may_scan:
                self._requests.read(link)
        # Before the scan: it finds the jobs whose producers did not notify yet.
        self._announce(link)
        is_due = self._promotion.is_due(is_poll=is_poll, may_scan=self.polling.may_scan)
        if is_due and (promoted := self._promotion.promote(link)):
            self._forwarding.receive(job_count=promoted)
        ready = self._scan(link, is_poll)
        if ready:
            self._on_ready(ready, self.polling.workers_to_wake)
        if self._unfinished is not None:
            self._unfinished.count(link, nothing_is_ready=is_poll and ready == {})
        return self._wait(link)

    def _announce(self, link: Link) -> None:
        wants_notify = self.polling.wants_notify and not link.is_pooled
        if not self._turns.is_recorded:
            self._announcement.forget()
        if self._announcement.announce(link, wants_notify=wants_notify):
            self.polling.scan_soon()

    def _wait(self, link: Link) -> float:
        until_next = min(self.polling.poll_in_seconds, self._promotion.seconds_left)
        pause = min(self.polling.pause, until_next)
        self._is_woken = False
        if link.is_pooled:
            return pause
        if not self._announcement.wants_notify:
            # A producer may have seen the announcement before, and there are requests.
            self._requests.read_if_notified(link, link.drain(pause))
            return 0.0
        listening = Stopwatch(self._clock, started=True)
        silent_seconds_max = _LISTEN_SECONDS_MAX * self.polling.turns.supervisors
        self._is_woken = self._listen(link, min(pause, silent_seconds_max))
        self.polling.listened(listening.seconds)
        if self._is_woken:
            guess = self._guess()
            if guess:
                self._on_ready(guess, 1)
            self._stopping.wait(self.polling.notified(is_served=bool(guess)))
        return 0.0

    def _listen(self, link: Link, seconds: float) -> bool:
        """Wait for a notification of ready jobs; answer requests meanwhile."""
        timer = Timer(self._clock, seconds=seconds)
        while not self.is_stopping:
            # The others may end meanwhile, and the next poll come earlier.
            left = min(timer.seconds_left, self.polling.poll_in_seconds)
            payloads = link.notifications(min(left, _LISTEN_SECONDS_MAX))
            self._requests.read_if_notified(link, payloads)
            forward_count = queues.forward_count(payloads)
            if forward_count is not None:
                self._forwarding.receive(forward_count=forward_count)
                return True
            if not payloads and left <= _LISTEN_SECONDS_MAX:
                return False
        return False

    def _guess(self) -> Ready:
        # A job that comes alone most often needs the kind of worker that the last one needed. The
        # guess saves a scan, and the next scan corrects a wrong guess.
        if self._claims_by_name:
            return {}
        waiting = self._waiting_kinds()
        return {kind: queues for kind, queues in self._found.items() if kind in waiting}

    def _scan(self, link: Link, is_poll: bool) -> Ready | None:
        """The queues with ready jobs; None when it is not time for a scan."""
        if not self.polling.may_scan:
            # The last queues may have jobs again, of another kind too; a woken worker sees.
            if not (self._is_woken or is_poll):
                return None
            last = [(queue, *kind) for kind, names in self._found.items() for queue in names]
            self._forwarding.forward(link, last)
            waiting = dict.fromkeys(self._waiting_kinds(), self._plain_queues)
            return {**waiting, **self._found}
        is_wanted = is_poll or self._announcement.wants_notify or self._is_awaited
        if not is_wanted and self.polling.was_scanned_lately:
            # In a storm scans come each hundredth of a second, and a worker that claims without a
            # pause finds ready jobs by itself. Only a scan finds the job that falls due next.
            return None
        self.polling.start_scan()
        answer = self._find_ready(link)
        if is_poll and answer.has_requests:
            self._requests.read(link)
            if self._turns.supervisors > 1:
                self._requests.notify_others(link)
        found: defaultdict[WorkerKind, list[str]] = defaultdict(list)
        for queue, executor, quarantined in answer.ready:
            if matches_any(self._queues, queue):
                found[WorkerKind(executor, quarantined)].append(queue)
        self._forwarding.forward(link, answer.ready)
        self._found = found or self._found
        self.polling.scanned(found=bool(found), seconds=answer.seconds)
        if answer.due_in_seconds is not None and self._promotion.schedule(answer.due_in_seconds):
            self.polling.scan_soon()
        return found

    @property
    def _is_awaited(self) -> bool:
        return self._claims_by_name or not self._waiting_kinds().isdisjoint(self._found)

    def _find_ready(self, link: Link) -> ReadyQueues:
        # In a storm one scan follows the other, so that the connection may break during a scan.
        if self._failures or self.polling.is_slow:
            return run(link, queues.find_ready())
        with link.short_timeout():
            return run(link, queues.find_ready())


class UnfinishedCount:
    """Counts the unfinished jobs of a burst, when nothing is ready and once a second.

    A ready job may be of a task that no worker here knows, and would never end the burst. To count
    a backlog is expensive, so that not every poll counts it.
    """

    def __init__(self, queues: Sequence[str], on_idle: OnIdle, clock: Clock) -> None:
        self._queues = queues
        self._on_idle = on_idle
        self._timer = Timer(clock)

    def count(self, link: Link, *, nothing_is_ready: bool) -> None:
        """Count them and call `on_idle`, if it is time."""
        if nothing_is_ready or self._timer.is_due:
            self._timer.start(_COUNT_SECONDS)
            left = run(link, queues.unfinished(self._queues))
            self._on_idle(left)
