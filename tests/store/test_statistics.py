"""The views of statistics read no more of a long backlog or history than of a short one."""

import json
from typing import Any

import pytest
from queue_database import QueueDatabase

from pgqueue.core.lifecycle import Outcome
from pgqueue.store import workers
from pgqueue.store.statement import run

_INSERT = """
insert into pgqueue.jobs (
  task, queue, status, priority, run_at, attempt, finished_at, kept_until
)
select
  'shop.mail',
  'mail/' || n %% 3,
  %(status)s::text,
  n %% 5,
  clock_timestamp() - make_interval(secs => %(count)s - n),
  1,
  case when %(status)s::text = 'succeeded' then clock_timestamp() end,
  case when %(status)s::text = 'succeeded' then clock_timestamp() + interval '1 day' end
from generate_series(1, %(count)s::int) as n
"""


def _stats(db: QueueDatabase) -> dict[str, tuple[Any, ...]]:
    rows = db.rows(
        "select queue, queued_count, scheduled_count, due_count, running_count, orphaned_count,"
        " 5 * floor(oldest_queued_seconds / 5) from pgqueue.queue_stats"
    )
    return {queue: tuple(rest) for queue, *rest in rows}


def test_every_status_is_counted_by_queue(db: QueueDatabase) -> None:
    for priority in (0, 5):
        db.enqueue(queue="a", priority=priority)
    db.rows("update pgqueue.jobs set run_at = run_at - interval '1 h' where priority = 0")
    db.enqueue(queue="b", run_after=60.0)
    due = db.enqueue(queue="b", run_after=60.0)
    db.rows("update pgqueue.jobs set run_at = now() - interval '7 s' where id = %(i)s", i=due.id)
    live, ended = db.claim_new(queue="c"), db.claim_new(queue="c")
    run(db.link, workers.end_workers([ended.worker_id], "died", ""))
    silent, gone = db.claim_new(queue="d"), db.claim_new(queue="d")
    db.rows("update pgqueue.workers set lease_until = now() where id = %(i)s", i=silent.worker_id)
    db.rows("delete from pgqueue.workers where id = %(i)s", i=gone.worker_id)
    db.settle(db.claim_new(queue="e"), Outcome.SUCCEEDED)

    assert live.id < ended.id
    assert {
        "a": (2, 0, 0, 0, 0, 3600),
        "b": (0, 2, 1, 0, 0, 5),
        "c": (0, 0, 0, 2, 1, None),
        "d": (0, 0, 0, 2, 2, None),
    } == _stats(db)


def test_no_job_is_no_row(db: QueueDatabase) -> None:
    assert {} == _stats(db)
    assert [] == db.rows("select task from pgqueue.task_stats")


def test_only_the_last_attempts_are_summed_up(db: QueueDatabase) -> None:
    db.rows(_INSERT, status="succeeded", count=10_500)
    db.rows(
        "update pgqueue.jobs set task = 'shop.new'"
        " where id > (select max(id) - 7 from pgqueue.jobs)"
    )
    db.rows(
        "insert into pgqueue.attempts (job_id, attempt, outcome, started_at, finished_at)"
        " select job.id, 1, 'succeeded', now() - interval '2 s', now() from pgqueue.jobs as job"
    )

    rows = db.rows(
        "select task, attempt_count, succeeded_count, run_seconds_p50 from pgqueue.task_stats"
    )

    assert [("shop.mail", 9_993, 9_993, 2.0), ("shop.new", 7, 7, 2.0)] == sorted(rows)


@pytest.mark.parametrize(
    ("view", "status", "blocks_max"),
    [
        ("queue_stats", "queued", 600),
        ("queue_stats", "succeeded", 60),
        ("task_stats", "succeeded", 40_000),
    ],
)
def test_a_longer_table_costs_no_more_blocks(
    db: QueueDatabase, view: str, status: str, blocks_max: int
) -> None:
    blocks = []
    for count in (40_000, 80_000):
        db.rows(_INSERT, status=status, count=count)
        db.rows(
            "insert into pgqueue.attempts (job_id, attempt, outcome, finished_at)"
            " select job.id, 1, 'succeeded', now() from pgqueue.jobs as job on conflict do nothing"
        )
        db.link.raw.execute("vacuum analyze pgqueue.jobs, pgqueue.attempts")
        [(plan,)] = db.rows(f"explain (analyze, buffers, format json) select * from pgqueue.{view}")
        [top] = json.loads(plan) if isinstance(plan, str) else plan
        blocks.append(top["Plan"]["Shared Hit Blocks"] + top["Plan"]["Shared Read Blocks"])

    assert blocks[1] < 1.2 * blocks[0] + 20
    assert blocks[1] < blocks_max
