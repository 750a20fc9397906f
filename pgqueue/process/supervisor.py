"""The parent of a host's workers: starts them, watches them, replaces them, stops them.

Its main thread waits for signals and children and never for the database; what it needs of
the database it asks `Leases` for, and hears from `Watch`. It imports neither gevent nor user
code. What the end of a worker means for its jobs is decided in SQL, from the row that is
written here.
"""

import logging
import os
import queue
import selectors
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from pgqueue import __version__
from pgqueue.core.bounded_names import BoundedNames
from pgqueue.core.errors import SchemaTooNew
from pgqueue.core.settings import Settings
from pgqueue.process.blocked_thread import Reclaim
from pgqueue.process.child import Child
from pgqueue.process.counters import Usage
from pgqueue.process.dispatcher import Dispatcher, Ready, runnable
from pgqueue.process.signals import Signals
from pgqueue.process.spare_process import SpareProcess
from pgqueue.process.worker_pool import (
    WorkerKind,
    WorkerPool,
    claims_by_name,
    connections_needed,
    pool_for,
)
from pgqueue.process.worker_registry import WorkerRegistry
from pgqueue.store import server, supervisors, workers
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.queues import UnfinishedJobs
from pgqueue.store.requests import CANCEL, Request
from pgqueue.store.statement import run
from pgqueue.store.workers import OverdueJob

_log = logging.getLogger("pgqueue.supervisor")

# After the grace a worker raises JobInterrupted in what still runs and gives it this long to
# unwind; then the process is ended, and its jobs are handed back from its row.
UNWIND_SECONDS = 2.0

# A worker lives by its claim loop. Longer than a turn that the database answers as late as it may
# (a connection, an account, a claim: a minute and a half).
_STANDSTILL_SECONDS = 120.0

# A module may take its time to be imported, but not for ever.
_LOADING_SECONDS = 600.0

# While a worker is recalled it claims nothing, and is looked at more often.
_BLOCKADE_LOOK_SECONDS = 1.0
_RECALL_LOOK_SECONDS = 0.2

# A child that does not read leaves no room on its line; it is told as soon as it reads.
_STOP_AGAIN_SECONDS = 0.2

_BURST_POLL_SECONDS = 0.1

# Names of queues go to workers that claim without a pause this often at most.
_FILL_SECONDS = 0.1

_EXIT_DATABASE = 3
_RESPAWN_SECONDS_MAX = 30.0
_SHORT_LIFE_SECONDS = 5.0
_FAREWELL_SECONDS = 10.0


class Supervisor:
    """Runs workers until it is told to stop; `run` returns the exit code.

    Args:
        database: Where the queue is.
        settings: Sizes, times and limits, of the children too.
        burst: Stop when nothing is queued or running in the queues.
        on_worker_ended: Called after a worker's end is written down: time for a rescue.
        on_reached: Called after each renewal of the leases, on another thread.
        on_recall: Takes jobs back that wait behind one that keeps its worker's main thread.
        begun: A process for the first worker of its kind.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        *,
        burst: bool = False,
        on_worker_ended: Callable[[], None] = lambda: None,
        on_reached: Callable[[], None] = lambda: None,
        on_reclaim: Callable[[Reclaim], None] = lambda reclaim: None,
        spare: SpareProcess | None = None,
    ) -> None:
        self.database = database
        self.settings = settings
        self.burst = burst
        self.exit_code = 0
        self._on_worker_ended = on_worker_ended
        self._on_reached = on_reached
        self._on_reclaim = on_reclaim
        self._spare = spare
        self._host = socket.gethostname()
        greenlets = pool_for(WorkerKind("greenlet"), settings)
        self._slots = greenlets.processes * greenlets.slots
        self._children: dict[int, Child] = {}
        self._starting = 0
        self._pools: set[WorkerKind] = set()
        self._unknown_tasks = BoundedNames()
        self._turns = 0
        self._fill_at = 0.0
        self._short_lives = 0
        self._was_ready = False
        self._stop_at: float | None = None
        self._told = queue.SimpleQueue[Callable[[], None]]()
        self._timers: list[tuple[float, Callable[[], None]]] = []
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        self._selector = selectors.DefaultSelector()
        link = database.open("pgqueue supervisor")
        try:
            registration = supervisors.register_supervisor(
                host=self._host,
                pid=os.getpid(),
                version=__version__,
                queues=settings.queues,
                slots=self._slots,
            )
            self.id = run(link, registration)
            compare_connections(link, settings)
        finally:
            link.close()
        self._leases = WorkerRegistry(
            database,
            supervisor_id=self.id,
            lease_seconds=settings.lease_seconds,
            heartbeat_seconds=settings.heartbeat_seconds,
            on_renewed=self._renewed,
            usage=lambda: Usage(self._slots, 0, None),
        )
        # Through a pooler nobody can listen: `listen_url` leads past it.
        listened = Database(settings.listen_url or database.url, database.schema)
        self._watch = Dispatcher(
            listened,
            supervisor_id=self.id,
            queues=settings.queues,
            poll_seconds=_BURST_POLL_SECONDS if burst else settings.poll_seconds,
            on_ready=lambda ready, wakes: self._tell(partial(self._wake, ready, wakes)),
            on_requests=lambda found: self._tell(partial(self._pass_requests, found)),
            waiting_kinds=self._waiting_kinds,
            on_idle=(lambda left: self._tell(partial(self._idle, left))) if burst else None,
        )
        self._watch.on_schema_too_new = self.schema_too_new

    def run(self) -> int:
        """Start the workers and stay until they are stopped; the exit code."""
        with Signals() as signals:
            self._selector.register(signals, selectors.EVENT_READ, self._stop_signalled)
            self._selector.register(self._wake_read, selectors.EVENT_READ, self._drain_wake)
            self._signals = signals
            self._leases.start()
            self._watch.start()
            self._start_pool(WorkerKind("greenlet"))
            self._look_for_blockades()
            _log.info(
                "supervisor started",
                extra={"supervisor_id": self.id, "queues": ", ".join(self.settings.queues)},
            )
            while not self._is_over:
                self._turn()
            self._leases.submit(supervisors.stop(self.id), lambda _: None)
            self._say_farewell()
        _log.info("supervisor stopped", extra={"supervisor_id": self.id})
        return self.exit_code

    def schema_too_new(self, error: SchemaTooNew) -> None:
        """Stop in order, because the schema serves this release no more; on any thread."""
        self._tell(partial(self._schema_too_new, str(error)))

    def end_overdue(self, overdue: OverdueJob) -> None:
        """End the worker of a job past its deadline, if that job is guilty; on any thread."""
        self._tell(partial(self._end_overdue, overdue))

    @property
    def worker_ids(self) -> list[int]:
        """The live workers."""
        return list(self._children)

    # One turn of the main thread.

    @property
    def _is_over(self) -> bool:
        if self._stop_at is None or self._children:
            return False
        # A start that the database never answered must not hold up the end; should the row
        # come to be after all, its lease ends by itself.
        return not self._starting or time.monotonic() >= self._stop_at

    def _turn(self) -> None:
        for key, _ in self._selector.select(self._pause()):
            key.data()
        while not self._told.empty():
            self._told.get()()
        now = time.monotonic()
        due = [timer for timer in self._timers if timer[0] <= now]
        self._timers = [timer for timer in self._timers if timer[0] > now]
        for _, action in due:
            action()
        for child in [child for child in self._children.values() if child.has_ended]:
            self._bury(child)

    def _pause(self) -> float | None:
        if not self._timers:
            return None
        return max(0.0, min(at for at, _ in self._timers) - time.monotonic())

    def _tell(self, action: Callable[[], None]) -> None:
        self._told.put(action)
        try:
            self._wake_write.send(b"\0")
        except (BlockingIOError, OSError):
            pass  # full: the loop is about to look anyway; closed: it is over

    def _drain_wake(self) -> None:
        self._wake_read.recv(4096)

    def _after(self, seconds: float, action: Callable[[], None]) -> None:
        self._timers.append((time.monotonic() + seconds, action))

    # Starting.

    def _start_pool(self, kind: WorkerKind) -> None:
        if kind in self._pools:
            return
        self._pools.add(kind)
        pool = pool_for(kind, self.settings)
        for _ in range(pool.processes):
            self._start(pool)

    def _start(self, pool: WorkerPool) -> None:
        if self._stop_at is not None:
            return
        self._starting += 1
        self._leases.submit(
            workers.register_worker(
                supervisor_id=self.id,
                executor=pool.kind.executor,
                slots=pool.slots,
                quarantine=pool.kind.quarantine,
                host=self._host,
                queues=self.settings.queues,
                lease_seconds=self.settings.lease_seconds,
            ),
            lambda worker_id: self._tell(partial(self._spawn, pool, worker_id)),
        )

    def _spawn(self, pool: WorkerPool, worker_id: int) -> None:
        self._starting -= 1
        if self._stop_at is not None:
            self._leases.submit(
                workers.end_workers([worker_id], "finished", "never started"), lambda _: None
            )
            return
        spare = None
        if self._spare is not None and self._spare.executor == pool.kind.executor:
            spare, self._spare = self._spare, None
        child = Child(worker_id, pool, self._config(worker_id, pool), spare)
        self._children[worker_id] = child
        if len(self._unknown_tasks):
            child.channel.try_send("unknown", tasks=sorted(self._unknown_tasks))
        self._leases.submit(workers.set_pid(worker_id, child.pid), lambda _: None)
        self._selector.register(child.channel, selectors.EVENT_READ, partial(self._hear, child))
        _log.info(
            "worker started",
            extra={"worker_id": worker_id, **pool.kind._asdict(), "pid": child.pid},
        )

    def _config(self, worker_id: int, pool: WorkerPool) -> dict[str, Any]:
        settings = self.settings
        return {
            "worker_id": worker_id,
            "slots": pool.slots,
            "scoreboard_slots": pool.scoreboard_slots,
            "url": self.database.url,
            "schema": self.database.schema.name,
            "queues": list(settings.queues),
            "strategy": settings.strategy,
            "tasks": list(settings.tasks),
            "prefetch_max": pool.prefetch_max,
            "settling_max": pool.settling_max,
            "result_bytes_max": settings.result_bytes_max,
            "error_bytes_max": settings.error_bytes_max,
            "log_lines_max": settings.log_lines_max,
            "log_bytes_max": settings.log_bytes_max,
            "log_level": settings.log_level,
            "lease_seconds": settings.lease_seconds,
            "timeout_grace_seconds": settings.timeout_grace_seconds,
        }

    # Hearing from children and from the database.

    def _hear(self, child: Child) -> None:
        messages = child.channel.receive(wait=False)
        if messages is None:
            self._selector.unregister(child.channel)
            return
        self._heed(child, messages)

    def _heed(self, child: Child, messages: Sequence[dict[str, Any]]) -> None:
        for message in messages:
            match message["verb"]:
                case "ready":
                    child.is_ready = self._was_ready = True
                    self._start_needed(message["executors"])
                case "unknown":
                    self._share_unknown(child, message["tasks"])
                case "executors":
                    self._start_needed(message["executors"])
                case "refused":
                    child.refusal = (message["message"], message["exit_code"])
                case "outgrown":
                    self._schema_too_new(message["message"])

    def _share_unknown(self, child: Child, tasks: Sequence[str]) -> None:
        child.unknown_tasks.add_all(tasks)
        self._leases.submit(workers.add_unknown_tasks(child.worker_id, tasks), lambda _: None)
        # The others look whether they know them, before they claim what they must hand back.
        if unknown_claims := self._unknown_tasks.add_all(tasks):
            for each in self._children.values():
                if each is not child:
                    each.channel.try_send("unknown", tasks=sorted(unknown_claims))

    def _start_needed(self, executors: Sequence[str]) -> None:
        for executor in executors:
            self._start_pool(WorkerKind(executor))

    def _wake(self, ready: Ready, wakes: int) -> None:
        # Who claims without a pause must hear of a queue that comes before its own.
        fills = claims_by_name(self.settings.queues) and time.monotonic() >= self._fill_at
        if fills:
            self._fill_at = time.monotonic() + _FILL_SECONDS
        for kind, queues in ready.items():
            # Of an executor that no loaded task has, too: a job keeps the one of the moment of
            # its enqueueing, and only a worker of that kind can send it on.
            self._start_pool(kind)
            pool = [child for child in self._children.values() if child.kind == kind]
            waiting = [child for child in pool if child.scoreboard.is_waiting]
            for child in self._in_turn(waiting)[:wakes]:
                child.channel.try_send("wake", queues=list(queues))
            if fills:
                for child in pool:
                    if child not in waiting:
                        child.channel.try_send("filled", queues=list(queues))

    def _waiting_kinds(self) -> set[WorkerKind]:
        # On the watch's thread. Who claims by hints needs the names of queues without waiting.
        pool = list(self._children.values())
        by_hint = claims_by_name(self.settings.queues)
        return {child.kind for child in pool if by_hint or child.scoreboard.is_waiting}

    def _in_turn(self, children: list[Child]) -> list[Child]:
        # Another first each time, so that one that hangs is not asked again and again.
        self._turns += 1
        first = self._turns % max(1, len(children))
        return children[first:] + children[:first]

    def _pass_requests(self, found: Sequence[Request]) -> None:
        for request in found:
            child = self._children.get(request.worker_id)
            if child is not None and request.kind == CANCEL:
                child.channel.try_send("cancel", jobs=[[request.job_id, request.attempt]])

    def _look_for_blockades(self) -> None:
        pause = _BLOCKADE_LOOK_SECONDS
        for child in self._children.values():
            if reclaim := child.blocked_thread.look():
                self._on_reclaim(reclaim)
            if child.blocked_thread.is_reclaiming:
                pause = _RECALL_LOOK_SECONDS
            if (job_id := child.blocked_thread.news()) and child.kind.executor != "process":
                facts = {"worker_id": child.worker_id, "job_id": job_id}
                _log.warning("job blocks its worker", extra=facts)
        self._after(pause, self._look_for_blockades)

    def _idle(self, left: Sequence[UnfinishedJobs]) -> None:
        children = self._children.values()
        if self._stop_at is not None or self._starting or not all(c.is_ready for c in children):
            return
        unknown = frozenset().union(*(child.unknown_tasks for child in children))
        if runnable(left, unknown):
            return
        for each in left:
            self.exit_code = 1
            facts = {"task": each.task, "job_count": each.job_count}
            _log.error("jobs left that no worker here knows", extra=facts)
        self._begin_stop(self.settings.grace_seconds)

    # Ends.

    def _schema_too_new(self, reason: str) -> None:
        # What runs began while the schema served this release, and is settled to its end.
        if self._stop_at is None:
            _log.error("schema too new, stopping", extra={"reason": reason})
            self.exit_code = _EXIT_DATABASE
            self._begin_stop(self.settings.grace_seconds)

    def _stop_signalled(self) -> None:
        for _ in range(self._signals.stops()):
            grace = self.settings.grace_seconds if self._stop_at is None else 0.0
            self._begin_stop(grace)

    def _begin_stop(self, grace_seconds: float) -> None:
        at = time.monotonic() + grace_seconds + UNWIND_SECONDS
        if self._stop_at is not None and at >= self._stop_at:
            return
        self._stop_at = at
        _log.info("stopping", extra={"grace_seconds": grace_seconds})
        for child in self._children.values():
            child.stop(grace_seconds)
        self._after(_STOP_AGAIN_SECONDS, self._repeat_stops)
        self._after(grace_seconds + UNWIND_SECONDS, self._end_resisting)

    def _repeat_stops(self) -> None:
        for child in self._children.values():
            child.repeat_stop()
        if self._children:
            self._after(_STOP_AGAIN_SECONDS, self._repeat_stops)

    def _end_resisting(self) -> None:
        for worker_id in self.worker_ids:
            self._kill(worker_id, "stopped", "still ran after the grace")

    def _renewed(self, alive: set[int]) -> None:
        self._on_reached()
        self._tell(partial(self._compare, alive))

    def _compare(self, alive: set[int]) -> None:
        # `Leases` does one thing after the other and tells in order, so a child known here was
        # registered before that renewal, and a row unknown here was registered without a reply
        # (or its end is being written, which comes first).
        for worker_id in set(self._children) - alive:
            # Its jobs are others' now, so it must not go on.
            self._kill(worker_id, "lease_expired", "its lease had expired")
        for worker_id, child in self._children.items():
            # Renewing its lease for longer would keep its jobs from those who can run them.
            if child.is_frozen(self.settings.lease_seconds):
                self._kill(worker_id, "lease_expired", "was frozen for as long as a lease")
            if child.is_stalled(_STANDSTILL_SECONDS):
                self._retire(child, "its claim loop stood still")
            if child.is_late(_LOADING_SECONDS):
                self._retire(child, "its tasks were not loaded in time")
        if unknown_claims := alive - set(self._children):
            self._leases.submit(
                workers.end_workers(unknown_claims, "finished", "never started"), lambda _: None
            )

    def _retire(self, child: Child, detail: str) -> None:
        _log.warning("worker retired", extra={"worker_id": child.worker_id, "reason": detail})
        grace_seconds = self.settings.grace_seconds
        child.stop(grace_seconds, detail)
        late = partial(self._kill, child.worker_id, "stopped", detail)
        self._after(grace_seconds + UNWIND_SECONDS, late)

    def _end_overdue(self, overdue: OverdueJob) -> None:
        child = self._children.get(overdue.worker_id)
        if child and child.is_responsible(overdue.job_id, self.settings.timeout_grace_seconds):
            late = f"job {overdue.job_id} was {overdue.overdue_seconds:.1f} s past its deadline"
            self._kill(overdue.worker_id, "overdue", late, overdue.job_id)

    def _kill(
        self, worker_id: int, reason: str, detail: str, overdue_job_id: int | None = None
    ) -> None:
        if (child := self._children.get(worker_id)) and not child.has_ended:
            _log.warning("worker killed", extra={"worker_id": worker_id, "reason": detail})
            child.kill(reason, detail, overdue_job_id)

    def _bury(self, child: Child) -> None:
        del self._children[child.worker_id]
        while last_words := child.channel.receive(wait=False):
            self._heed(child, last_words)
        self._forget_channel(child)
        reason, detail = child.end()
        level = logging.INFO if reason == "stopped" else logging.WARNING
        _log.log(level, "worker ended", extra={"worker_id": child.worker_id, "detail": detail})
        burial = workers.end_workers(
            [child.worker_id],
            reason,
            detail,
            overdue_job_id=child.overdue_job_id,
            started_job_ids=child.scoreboard.started(),
        )
        child.blocked_thread.end()
        child.scoreboard.close()
        self._leases.submit(burial, lambda _: self._on_worker_ended())
        if self._stop_at is not None:
            return
        if child.refusal is not None and not self._was_ready:
            # It cannot start at all (a broken module, a schema too old): trying again would
            # only repeat the message.
            message, self.exit_code = child.refusal
            _log.error("worker cannot start", extra={"reason": message})
            self._begin_stop(0.0)
            return
        self._replace(child)
        if reason == "died":
            # Whatever it ran may end its worker once more; the place for a third try is warm
            # by then.
            self._start_pool(WorkerKind(child.kind.executor, quarantine=True))

    def _forget_channel(self, child: Child) -> None:
        try:
            self._selector.unregister(child.channel)
        except KeyError:
            pass  # its end of file was read before its end was seen
        child.channel.close()

    def _replace(self, child: Child) -> None:
        is_short = time.monotonic() - child.started_at < _SHORT_LIFE_SECONDS
        self._short_lives = self._short_lives + 1 if is_short else 0
        pool = pool_for(child.kind, self.settings)
        pause = min(_RESPAWN_SECONDS_MAX, 2.0 ** (self._short_lives - 2))
        if self._short_lives < 2:
            self._start(pool)
        else:
            self._after(pause, partial(self._start, pool))

    def _say_farewell(self) -> None:
        # The ends of the workers must be written before their supervisor goes, so that what
        # they left is handed back now and not when their leases end.
        self._watch.stop(timeout=0)
        until = time.monotonic() + _FAREWELL_SECONDS
        while self._leases.has_pending and time.monotonic() < until:
            try:
                self._told.get(timeout=0.05)
            except queue.Empty:
                pass
        self._leases.stop()
        self._selector.close()
        self._wake_read.close()
        self._wake_write.close()


def compare_connections(link: Link, settings: Settings) -> None:
    """Warn when a supervisor may want more connections than the server has left."""
    if link.is_pooled:
        return  # what the pooler lends is its own affair
    allowed, taken = run(link, server.connections())
    wanted = connections_needed(settings)
    if wanted > allowed - taken:
        facts = {"wanted": wanted, "allowed": allowed, "taken": taken}
        _log.warning("connections may run out: see max_connections", extra=facts)
