"""The frame of all maintenance: a service is a name, an interval and a function of a link."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

from pgqueue.core.backoff import backoff_seconds
from pgqueue.core.clock import MONOTONIC, Clock, Timer
from pgqueue.core.events.event import emit
from pgqueue.core.events.services import ServiceFailed
from pgqueue.process.loop import Loop
from pgqueue.process.turns import Turns
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.database_errors import DATABASE_ERRORS, READ_ONLY_ERRORS

# A backlog that a share of the time cannot work off would grow for ever.
_BEHIND_SECONDS_MAX = 300.0

# The other supervisors may end meanwhile, and the next turn come earlier.
_PAUSE_SECONDS_MAX = 5.0


@dataclass(frozen=True, slots=True)
class Service:
    """One thing that maintenance does again and again.

    Args:
        every_seconds: The interval between two runs, unless one is requested earlier.
        run: Does a limited amount of work; True when there is more to do at once.
        share: The largest part of the time that it may use while there is more to do. After five
            minutes without an end it may use all of the time.
        is_shared: Whether it does the same for all supervisors, so that they take turns.
        is_wanted: Whether there is anything to do, as far as is known without the database.
    """

    name: str
    every_seconds: float
    run: Callable[[Link], bool]
    share: float = 1.0
    is_shared: bool = False
    is_wanted: Callable[[], bool] = lambda: True


class _Schedule:
    """When a service runs next.

    Any thread may expire `timer`; all else is written by the thread of Maintenance.

    Attributes:
        timer: The time of the next run, where it is not the interval's end.
        last_at: The monotonic time of the last run.
        failures: In a row.
        behind_since: The start of the first of the runs in a row that left more to do; None when
            the last run left nothing.
    """

    __slots__ = ("_clock", "_turns", "behind_since", "failures", "last_at", "service", "timer")

    def __init__(self, service: Service, turns: Turns, clock: Clock) -> None:
        self.service = service
        self._turns = turns if service.is_shared else Turns(clock)
        self._clock = clock
        self.timer = Timer(clock)
        self.last_at = clock.monotonic()
        self.failures = 0
        self.behind_since: float | None = None

    @property
    def seconds_left(self) -> float:
        """The seconds until the next run."""
        if self.timer.is_running:
            return self.timer.seconds_left
        return self._turns.seconds_left(self.service.every_seconds, self.last_at)

    def is_due(self) -> bool:
        """Whether the service is to run now. If nothing is wanted of it, an interval begins."""
        if self.seconds_left > 0.0:
            return False
        # In this order: a request that comes meanwhile is kept.
        self.begin()
        if not self.service.is_wanted():
            return False
        self.timer.expire()
        return True

    def begin(self) -> None:
        """Begin an interval. Before a run, so that a request during the run is not overwritten."""
        self.timer.stop()
        self.last_at = self._clock.monotonic()

    @property
    def is_requested(self) -> bool:
        """Whether the next run was requested with `Maintenance.ask_for`."""
        return self.timer.due_at == -inf

    def go_on(self) -> None:
        """Run again as soon as the service's share of the time allows, as it has more to do."""
        if self.behind_since is None:
            self.behind_since = self.last_at
        is_hopeless = self.last_at - self.behind_since >= _BEHIND_SECONDS_MAX
        share = 1.0 if is_hopeless else self.service.share
        self.timer.start((self._clock.monotonic() - self.last_at) * (1.0 / share - 1.0))


class Maintenance(Loop):
    """Runs services in turn, on one thread and one connection of its own.

    A service that fails waits by itself; the other services keep their intervals.
    """

    @property
    def ping_after_idle_seconds(self) -> float:
        """Longer than the interval of the service that runs most often, which only reads.

        That read detects a connection without a peer, after 22 s.
        """
        return 2.5

    def __init__(
        self,
        database: Database,
        services: Sequence[Service],
        *,
        turns: Turns | None = None,
        clock: Clock = MONOTONIC,
    ) -> None:
        super().__init__("maintenance", database)
        self._turns = turns or Turns(clock)
        self._schedules = {
            service.name: _Schedule(service, self._turns, clock) for service in services
        }
        # The order of the runs. Only the thread of this loop changes it.
        self._order = list(self._schedules.values())

    def ask_for(self, name: str) -> None:
        """Run one service now instead of at the end of its interval; safe on any thread."""
        self._schedules[name].timer.expire()
        self.wake()

    def run_once(self) -> float:
        """Take one turn now; without a statement when nothing is due."""
        if any(schedule.is_due() for schedule in self._order):
            return super().run_once()
        return _seconds_left(self._order, self._turns)

    def turn(self, link: Link) -> float:
        """Run the services that are due, and return the seconds until the next one is."""
        is_trusted = True
        for schedule in tuple(self._order):
            if not schedule.is_due() or self._run_service(schedule, link):
                continue
            is_trusted = False
            if not link.is_idle:
                break  # no other service can use this connection
        if not is_trusted:
            self.close()
        return _seconds_left(self._order, self._turns)

    def _run_service(self, schedule: _Schedule, link: Link) -> bool:
        """Run one service; False when it failed by itself and the connection is in doubt."""
        schedule.begin()
        try:
            has_more = schedule.service.run(link)
        except Exception as error:
            if not link.is_usable or isinstance(error, READ_ONLY_ERRORS):
                # The database failed, not the service, which stays due. It moves to the end, so
                # that it cannot keep the other services from their runs.
                self._order.remove(schedule)
                self._order.append(schedule)
                schedule.timer.expire()
                raise
            self._postpone(schedule, error)
            return False
        schedule.failures = 0
        if not has_more:
            schedule.behind_since = None
        elif not schedule.is_requested:
            schedule.go_on()
        return True

    def _postpone(self, schedule: _Schedule, error: Exception) -> None:
        schedule.failures += 1
        pause = backoff_seconds(schedule.failures)
        schedule.timer.start(pause)
        is_database = isinstance(error, DATABASE_ERRORS)
        emit(
            ServiceFailed(
                service=schedule.service.name,
                failures=schedule.failures,
                pause_seconds=round(pause, 2),
                reason=str(error).strip().partition("\n")[0] if is_database else None,
                error=None if is_database else error,
            )
        )


def _seconds_left(schedules: Sequence[_Schedule], turns: Turns) -> float:
    longest = _PAUSE_SECONDS_MAX if turns.supervisors > 1 else inf
    return min(longest, *(schedule.seconds_left for schedule in schedules))
