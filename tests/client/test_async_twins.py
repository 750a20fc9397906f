"""The async twins: they answer like their verbs, and never block the event loop."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

from pgqueue.client.client import Client
from pgqueue.core.errors import EventLoopBlocked, JobGone, WrongStatus
from pgqueue.core.job import Job
from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.core.new_job import NewJob

if TYPE_CHECKING:
    from queue_database import QueueDatabase

TWIN_OF_WAIT = {"wait": "await_job"}
"""The twin whose name is not the verb with the prefix `a`: `await` is a keyword."""


@pytest.mark.parametrize("owner", ["client", "client.workers"])
def test_every_verb_has_a_twin_with_its_parameters(client: Client, owner: str) -> None:
    verbs = client if owner == "client" else client.workers
    methods = dict(inspect.getmembers(verbs, inspect.ismethod))
    names = [
        name
        for name, method in methods.items()
        if not (name.startswith("_") or inspect.iscoroutinefunction(method) or name == "close")
    ]

    assert names
    for name in names:
        twin = methods[TWIN_OF_WAIT.get(name, f"a{name}")]
        assert inspect.iscoroutinefunction(twin), name
        assert inspect.signature(methods[name]) == inspect.signature(twin), name


def test_twins_answer_like_their_verbs(
    client: Client,
    db: "QueueDatabase",
    record_task: Callable[..., None],
    jobs_by_name: dict[str, int],
) -> None:
    record_task("shop.mail")
    job_id = jobs_by_name["mail"]
    worker_id = db.worker()
    [attempt] = db.claim(worker_id, "mail")
    db.settle(attempt, Outcome.FAILED, error_type="ValueError")

    async def answers() -> list[Any]:
        return [
            await client.ajob(job_id),
            await client.ajobs(task="shop.*", limit=5),
            await client.acount(queue="mail/"),
            await client.await_job(job_id, timeout=5),
            await client.aattempts(job_id),
            await client.alogs(job_id, limit=5),
            await client.alast_logs(job_id, limit=5),
            await client.atasks(),
            await client.atask("shop.mail"),
            await client.aunknown_tasks(),
            await client.workers.alist(with_stopped=True),
            await client.workers.ashow(worker_id),
        ]

    assert asyncio.run(answers()) == [
        client.job(job_id),
        client.jobs(task="shop.*", limit=5),
        client.count(queue="mail/"),
        client.wait(job_id, timeout=5),
        client.attempts(job_id),
        client.logs(job_id, limit=5),
        client.last_logs(job_id, limit=5),
        client.tasks(),
        client.task("shop.mail"),
        client.unknown_tasks(),
        client.workers.list(with_stopped=True),
        client.workers.show(worker_id),
    ]


def test_twins_of_actions_change_the_selected_jobs(
    client: Client, jobs_by_name: dict[str, int]
) -> None:
    async def act() -> list[dict[int, JobStatus | None]]:
        return [
            await client.acancel(task="shop.*"),
            await client.aretry([jobs_by_name["mail"], 404]),
        ]

    cancelled, retried = asyncio.run(act())

    assert {jobs_by_name["mail"], jobs_by_name["mail_eu"]} == cancelled.keys()
    assert {jobs_by_name["mail"]: JobStatus.QUEUED, 404: None} == retried


def test_a_twin_raises_what_its_verb_raises(client: Client) -> None:
    job = client.insert(NewJob("t"))

    with pytest.raises(JobGone):
        asyncio.run(client.ajob(404))
    with pytest.raises(TimeoutError, match=f"Job {job.id} is queued after 0.02 s"):
        asyncio.run(client.await_job(job.id, 0.02))


@pytest.mark.own_session
@pytest.mark.parametrize(
    "call",
    [
        lambda client, job_id: client.acancel(job_id),
        lambda client, job_id: client.aretry(job_id),
        lambda client, job_id: client.ajob(job_id),
        lambda client, job_id: client.ajobs(),
        lambda client, job_id: client.acount(),
        lambda client, job_id: client.aattempts(job_id),
        lambda client, job_id: client.alogs(job_id),
        lambda client, job_id: client.workers.alist(),
    ],
    ids=["cancel", "retry", "job", "jobs", "count", "attempts", "logs", "workers"],
)
def test_the_event_loop_runs_on_while_a_twin_waits_for_the_database(
    client: Client, db: "QueueDatabase", call: Callable[[Client, int], Awaitable[Any]]
) -> None:
    job = client.insert(NewJob("t"))

    async def ticks_while_locked() -> int:
        ticks = 0
        with db.link.raw.transaction():
            # Nothing can read or write these tables until the transaction ends.
            db.rows("lock table pgqueue.jobs, pgqueue.attempts, pgqueue.logs, pgqueue.workers")
            task = asyncio.ensure_future(call(client, job.id))
            while ticks < 20:
                await asyncio.sleep(0.005)
                ticks += 1
            assert not task.done()
        await task
        return ticks

    assert 20 == asyncio.run(ticks_while_locked())


def test_a_wait_for_a_job_ends_when_the_job_is_final(client: Client, db: "QueueDatabase") -> None:
    job = client.insert(NewJob("t"))
    worker_id = db.worker()

    async def finish_while_waiting() -> Any:
        waiting = asyncio.ensure_future(client.await_job(job.id, timeout=30))
        await asyncio.sleep(0)
        [attempt] = db.claim(worker_id)
        db.settle(attempt, Outcome.SUCCEEDED, result="42")
        return (await waiting).result

    assert 42 == asyncio.run(finish_while_waiting())


def test_a_wait_for_a_job_can_be_cancelled(client: Client) -> None:
    job = client.insert(NewJob("t"))

    async def cancel_after_polls() -> float:
        waiting = asyncio.ensure_future(client.await_job(job.id))
        await asyncio.sleep(0.1)
        began_at = time.monotonic()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return time.monotonic() - began_at

    assert asyncio.run(cancel_after_polls()) < 5.0
    assert "queued" == client.job(job.id).status


def test_every_verb_of_a_job_has_a_twin_with_its_parameters() -> None:
    functions = dict(inspect.getmembers(Job, inspect.isfunction))
    verbs = [
        name
        for name, function in functions.items()
        if not name.startswith("_") and not inspect.iscoroutinefunction(function)
    ]

    assert {"refresh", "wait", "cancel", "retry", "attempts", "logs"} == set(verbs)
    for name in verbs:
        twin = functions[TWIN_OF_WAIT.get(name, f"a{name}")]
        assert inspect.signature(functions[name]) == inspect.signature(twin), name


def test_the_twins_of_a_job_do_what_its_verbs_do(client: Client, db: "QueueDatabase") -> None:
    job = client.insert(NewJob("t"))

    async def act() -> list[Any]:
        cancelled = await job.acancel()
        with pytest.raises(WrongStatus, match="is cancelled, which does not allow to cancel"):
            await job.acancel()
        queued = await job.aretry()
        with pytest.raises(WrongStatus, match="is queued, which does not allow to retry"):
            await job.aretry()
        [attempt] = db.claim(db.worker())
        db.settle(attempt, Outcome.SUCCEEDED, result="42")
        ended = await job.await_job(timeout=30)
        return [
            *(cancelled.status, queued.status, ended.result),
            ended == await job.arefresh(),
            len(await job.aattempts()),
            await job.alogs(),
        ]

    assert ["cancelled", "queued", 42, True, 1, []] == asyncio.run(act())


@pytest.mark.parametrize(
    "wait", [lambda job, client: job.wait(0), lambda job, client: client.wait(job.id)]
)
def test_a_wait_in_an_event_loop_names_its_twin(client: Client, wait: Callable[..., Any]) -> None:
    job = client.insert(NewJob("t"))

    async def nested() -> None:
        with pytest.raises(EventLoopBlocked, match=r"await job\.await_job") as caught:
            wait(job, client)
        assert "wait" == caught.value.verb
        # A callback of the loop would stop it as well; a thread would not.
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(job.wait, 0)

    asyncio.run(nested())
    with pytest.raises(TimeoutError):
        job.wait(0)
