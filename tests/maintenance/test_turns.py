"""Supervisors take turns at maintenance, and an idle one asks the database for little."""

from collections.abc import Callable

from manual_clock import ManualClock

from pgqueue.maintenance import expiry, lease_expiry, overdue, rescue
from pgqueue.maintenance.reclaim import Reclaims
from pgqueue.maintenance.service import Maintenance, Service
from pgqueue.process.turns import Turns
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.supervisors import LiveSupervisors


def _runs(ran: list[str]) -> Callable[[Link], bool]:
    return lambda link: bool(ran.append("ran"))


def test_a_shared_service_runs_in_the_turns_of_its_supervisor_and_another_in_each_interval(
    database_url: str,
) -> None:
    clock = ManualClock(0.0)
    turns = Turns(clock)
    shared: list[str] = []
    own: list[str] = []
    services = [
        Service("shared", 5.0, _runs(shared), is_shared=True),
        Service("own", 5.0, _runs(own)),
    ]
    maintenance = Maintenance(Database(database_url), services, turns=turns, clock=clock)
    maintenance.run_once()  # each runs at the start
    turns.update(LiveSupervisors(True, 2, 4, 4, 0.0))

    while clock.monotonic() < 99.0:
        clock.advance(maintenance.run_once())

    assert (1 + 5, 1 + 19) == (len(shared), len(own))
    maintenance.close()


def test_what_is_the_same_for_all_supervisors_is_shared() -> None:
    services = [
        *lease_expiry.services(30.0),
        *rescue.services(),
        *expiry.services(),
        *overdue.services(supervisor_id=1, grace_seconds=5.0, end=lambda job: None),
        Reclaims().service(),
    ]

    own = {service.name for service in services if not service.is_shared}

    assert {"overdue", "reclaim"} == own


def test_a_service_of_which_nothing_is_wanted_opens_no_connection() -> None:
    clock = ManualClock()
    ran: list[str] = []
    wanted: list[bool] = [False]
    service = Service("own", 5.0, _runs(ran), is_wanted=lambda: wanted[0])
    maintenance = Maintenance(Database("postgresql://nowhere.invalid/"), [service], clock=clock)

    pauses = [maintenance.run_once()]
    clock.advance(2.0)
    pauses.append(maintenance.run_once())

    assert ([5.0, 3.0], []) == (pauses, ran)


def test_while_no_worker_has_a_job_overdue_ones_are_looked_for_each_ten_minutes(
    link: Link,
) -> None:
    clock = ManualClock()
    idle: list[bool] = [False]
    [service] = overdue.services(
        supervisor_id=1,
        grace_seconds=5.0,
        end=lambda job: None,
        is_idle=lambda: idle[0],
        clock=clock,
    )
    service.run(link)
    wanted = [service.is_wanted()]
    idle[0] = True
    for seconds in (0.0, 599.0, 1.0):
        clock.advance(seconds)
        wanted.append(service.is_wanted())

    assert [True, False, False, True] == wanted


def test_a_request_that_comes_while_nothing_is_wanted_is_kept(database_url: str) -> None:
    ran: list[str] = []
    looks: list[bool] = []

    def is_wanted() -> bool:
        if not looks:
            # Another thread has work right after this look.
            looks.append(True)
            maintenance.ask_for("own")
            return False
        return True

    service = Service("own", 3600.0, _runs(ran), is_wanted=is_wanted)
    maintenance = Maintenance(Database(database_url), [service])

    pause = maintenance.run_once()
    maintenance.run_once()

    assert (0.0, ["ran"]) == (pause, ran)
    maintenance.close()
