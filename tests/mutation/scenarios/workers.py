"""A supervisor reads and changes only the rows of its own workers."""

from dataclasses import replace
from functools import partial

import registering
from queue_database import QueueDatabase

from mutation.scenarios.registry import finished_attempt, of
from pgqueue.core.lifecycle import Outcome
from pgqueue.store import jobs, orphans, requests, supervisors, workers
from pgqueue.store.statement import run


@of("renew_leases", "end_workers", "expire_leases", "set_worker_pid", "add_unknown_tasks")
def a_worker_is_renewed_and_ended_by_its_own_supervisor_and_once(db: QueueDatabase) -> None:
    supervisor, other = registering.supervisor(db.link), registering.supervisor(db.link)
    own, ended = (db.worker(supervisor_id=supervisor) for _ in range(2))
    others = db.worker(supervisor_id=other)
    run(db.link, workers.end_workers([ended], "died", "first"))
    assert [] == run(db.link, workers.end_workers([ended], "stopped", "second"))
    before = db.rows("select * from pgqueue.workers where id <> %(id)s order by id", id=own)

    run(db.link, workers.set_pid(own, 77))
    run(db.link, workers.add_unknown_tasks(own, ["shop.gone"]))
    renewal = run(db.link, supervisors.renew(supervisor, [own, ended, others], 60, busy_slots=3))
    assert ({own}, set()) == (renewal.renewed_ids, renewal.foreign_ids)
    assert [] == run(db.link, workers.expire_leases(30.0))
    assert [own] == run(db.link, workers.end_workers([own], "stopped", "in order"))

    assert before == db.rows("select * from pgqueue.workers where id <> %(id)s order by id", id=own)
    assert (77, ["shop.gone"], "in order") == db.row(
        "select pid, unknown_tasks, stop_detail from pgqueue.workers where id = %(id)s", id=own
    )
    assert ("died", None) == db.row(
        "select stop_reason, pid from pgqueue.workers where id = %(id)s", id=ended
    )
    assert (None,) == db.row("select stop_reason from pgqueue.workers where id = %(id)s", id=others)
    assert [(supervisor, 3), (other, 0)] == db.rows(
        "select id, busy_slots from pgqueue.supervisors order by busy_slots desc"
    )


@of("renew_leases")
def a_worker_that_its_supervisor_did_not_register_is_reported_and_left_alone(
    db: QueueDatabase,
) -> None:
    own, foreign, ended = (db.worker() for _ in range(3))
    db.worker(supervisor_id=2)
    run(db.link, workers.end_workers([ended], "died", ""))
    lease = "select lease_until from pgqueue.workers where id = %(id)s"
    before = db.row(lease, id=foreign)

    renewal = run(db.link, supervisors.renew(1, [own], 60))

    assert ({own}, {foreign}) == (renewal.renewed_ids, renewal.foreign_ids)
    assert before == db.row(lease, id=foreign)


@of("renew_leases")
def a_renewal_counts_the_live_supervisors_and_those_with_a_common_queue(
    db: QueueDatabase,
) -> None:
    mails = [registering.supervisor(db.link, "mail") for _ in range(2)]
    news, shop = registering.supervisor(db.link, "news"), registering.supervisor(db.link, "shop/")
    stopped = registering.supervisor(db.link, "mail")
    run(db.link, supervisors.stop(stopped))

    seen = {id: run(db.link, supervisors.renew(id, [], 60.0)).live for id in (*mails, news, shop)}

    assert {id: (rank, 4) for rank, id in enumerate(sorted(seen))} == {
        id: (around.rank, around.supervisors) for id, around in seen.items()
    }
    assert [3, 3, 2, 4] == [around.peers for around in seen.values()]
    assert (False, 0, 1, 1) == run(db.link, supervisors.renew(stopped, [], 60.0)).live[:4]
    assert (None,) == db.row(
        "select lease_until from pgqueue.supervisors where id = %(id)s", id=stopped
    )


@of("register_worker")
def a_registration_that_is_sent_again_finds_its_own_row_alone(db: QueueDatabase) -> None:
    registration = partial(
        workers.register_worker,
        executor="greenlet",
        slots=1,
        host="here",
        queues=["default"],
        lease_seconds=60.0,
    )
    first = registration(supervisor_id=1)
    other = registration(supervisor_id=2)
    params = {**other.params, "worker_id": first.params["worker_id"]}
    foreign = replace(other, params=params)
    worker_id = run(db.link, first)
    assert worker_id is not None

    assert (worker_id, None) == (run(db.link, first), run(db.link, foreign))

    run(db.link, workers.set_pid(worker_id, 7))
    assert None is run(db.link, first)
    db.rows("update pgqueue.workers set pid = null")
    run(db.link, workers.end_workers([worker_id], "died", ""))
    assert None is run(db.link, first)
    assert 1 == len(db.rows("select from pgqueue.workers"))


@of("renew_leases", "expire_leases")
def leases_are_extended_after_an_outage_and_no_worker_is_ended(db: QueueDatabase) -> None:
    live, expired, ended = db.worker(), db.worker(lease_seconds=-1), db.worker(lease_seconds=-1)
    contact = (
        "select extract(epoch from clock_timestamp() - contact_at)::float8 from pgqueue.contact"
    )
    run(db.link, workers.end_workers([ended], "died", "first"))
    db.rows("insert into pgqueue.contact values (true, clock_timestamp() - interval '16 s')")
    left = (
        "select id, round(extract(epoch from lease_until - clock_timestamp()))::integer"
        " from pgqueue.workers"
    )

    run(db.link, supervisors.renew(2, [], 30.0))
    assert 16 <= db.row(contact)[0]
    assert [] == run(db.link, workers.expire_leases(30.0))

    assert 1 > db.row(contact)[0]
    assert {live: 30, ended: -1} == {
        worker: seconds for worker, seconds in db.rows(left) if worker != expired
    }
    assert dict(db.rows(left))[expired] in (7, 8)
    db.rows("update pgqueue.contact set contact_at = clock_timestamp() - interval '14 s'")
    run(db.link, supervisors.renew(2, [], 30.0))
    assert 1 > db.row(contact)[0]
    db.rows("update pgqueue.contact set contact_at = clock_timestamp() - interval '14 s'")
    db.rows("update pgqueue.workers set lease_until = clock_timestamp() - interval '1 s'")
    assert {live, expired} == set(run(db.link, workers.expire_leases(30.0)))


@of("expire_leases")
def a_worker_whose_lease_expired_is_ended_once(db: QueueDatabase) -> None:
    live, expired, ended = (
        db.worker(),
        db.worker(lease_seconds=-1),
        db.worker(lease_seconds=-1),
    )
    run(db.link, workers.end_workers([ended], "died", "first"))
    db.rows("insert into pgqueue.contact default values")
    lease = "select lease_until from pgqueue.workers where id = %(id)s"
    before = db.row(lease, id=live)

    assert [expired] == run(db.link, workers.expire_leases(30.0))
    assert before == db.row(lease, id=live)

    assert {live: None, expired: "lease_expired", ended: "died"} == dict(
        db.rows("select id, stop_reason from pgqueue.workers")
    )


@of("find_orphaned")
def only_jobs_of_ended_workers_are_orphaned(db: QueueDatabase) -> None:
    live, dead, gone, finished = (
        db.claim_new(),
        db.claim_new(),
        db.claim_new(),
        finished_attempt(db),
    )
    run(db.link, workers.end_workers([dead.worker_id, finished.worker_id], "died", ""))
    db.rows("delete from pgqueue.workers where id = %(id)s", id=gone.worker_id)

    answer = run(db.link, orphans.orphaned(0, 10))

    assert [dead.id, gone.id] == [job.id for job in answer]
    assert live.id not in [job.id for job in answer]
    assert [gone.id] == [job.id for job in run(db.link, orphans.orphaned(dead.id, 10))]


@of("find_orphaned")
def the_end_of_a_worker_decides_the_outcomes_of_its_jobs(db: QueueDatabase) -> None:
    outcomes = {}
    for reason in ("overdue", "stopped", "died", "lease_expired"):
        worker = db.worker()
        first, started, waiting = (db.enqueue().id for _ in range(3))
        db.claim(worker)
        # The overdue job matters only for a worker that was killed for it.
        end = workers.end_workers(
            [worker], reason, "", overdue_job_id=first, started_job_ids=[first, started]
        )
        run(db.link, end)
        answer = {job.id: job.outcome for job in run(db.link, orphans.orphaned(0, 10))}
        outcomes[reason] = [answer[job_id] for job_id in (first, started, waiting)]
        db.rows("delete from pgqueue.jobs")

    lost, interrupted = Outcome.LOST, Outcome.INTERRUPTED
    assert {
        "overdue": [Outcome.TIMED_OUT, interrupted, interrupted],
        "stopped": [interrupted, interrupted, interrupted],
        "died": [lost, lost, interrupted],
        "lease_expired": [lost, lost, interrupted],
    } == outcomes


@of("find_orphaned")
def a_job_whose_start_is_unknown_is_lost(db: QueueDatabase) -> None:
    claimed = db.claim_new()
    run(db.link, workers.end_workers([claimed.worker_id], "died", ""))

    [answer] = run(db.link, orphans.orphaned(0, 10))

    assert (Outcome.LOST, True) == (answer.outcome, answer.is_started)


@of("find_overdue")
def a_job_is_overdue_past_its_deadline_and_the_grace_under_a_live_worker_of_ours(
    db: QueueDatabase,
) -> None:
    late, in_time, finished, dead = (db.claim_new(timeout_seconds=1.0) for _ in range(4))
    past = db.row("select clock_timestamp() - interval '10 s'")[0]
    db.settle(finished, Outcome.SUCCEEDED)
    db.change(finished.id, worker_id=finished.worker_id)
    run(db.link, workers.end_workers([dead.worker_id], "died", ""))
    foreign = db.enqueue(timeout_seconds=1.0)
    claimed = db.claim(db.worker(supervisor_id=2))
    for job_id in (late.id, finished.id, dead.id, foreign.id):
        db.change(job_id, deadline_at=past)

    answer = run(db.link, workers.overdue_jobs(1, 5.0))

    assert [foreign.id] == [attempt.id for attempt in claimed]
    assert [late.id] == [job.job_id for job in answer]
    assert in_time.id not in [job.job_id for job in answer]


@of("open_requests", "close_requests")
def open_requests_to_our_workers_are_read_and_closed_once_the_attempt_is_over(
    db: QueueDatabase,
) -> None:
    running, stale, retried, moved, untouched = (db.claim_new() for _ in range(5))
    foreign = db.enqueue()
    db.claim(db.worker(supervisor_id=2))
    ids = [running.id, stale.id, retried.id, moved.id, foreign.id]
    run(db.link, jobs.cancel(jobs.JobSelection(ids)))
    db.enqueue()
    db.claim(stale.worker_id)
    db.change(stale.id, status="succeeded")
    db.change(retried.id, attempt=2)
    db.change(moved.id, worker_id=running.worker_id)

    answer = run(db.link, requests.open_requests(1))
    finished = [request.id for request in answer if not request.is_running]
    closed = [run(db.link, requests.close_requests(finished)) for _ in range(2)]

    assert [(running.id, True), (stale.id, False), (retried.id, False), (moved.id, False)] == [
        (request.job_id, request.is_running) for request in answer
    ]
    assert untouched.id not in [request.job_id for request in answer]
    assert [3, 0] == closed
    assert [running.id] == [request.job_id for request in run(db.link, requests.open_requests(1))]


@of("open_requests")
def requests_to_workers_that_ended_are_read_by_every_supervisor(db: QueueDatabase) -> None:
    live, ended, missing = (db.worker(supervisor_id=2) for _ in range(3))
    jobs_of = {}
    for worker_id in (live, ended, missing):
        job = db.enqueue()
        db.claim(worker_id)
        jobs_of[worker_id] = job.id
    run(db.link, jobs.cancel(jobs.JobSelection(sorted(jobs_of.values()))))
    run(db.link, workers.end_workers([ended], "died", ""))
    db.rows("delete from pgqueue.workers where id = %(id)s", id=missing)

    answer = run(db.link, requests.open_requests(1))

    assert {ended, missing} == {request.worker_id for request in answer}
