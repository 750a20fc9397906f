"""Cancels jobs that did not start in time, and deletes what was kept long enough."""

from pgqueue.maintenance.service import Service
from pgqueue.maintenance.surplus import Surplus
from pgqueue.store import retention
from pgqueue.store.batched_statement import BatchedStatement
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run

# Few jobs in a transaction, so that a claim never waits long for its locks.
_JOBS_MAX = 1000

# Finished jobs can wait to be deleted; ready jobs cannot wait to run. Pruning at full speed cost a
# drain on two cores a quarter of its rate. With this share it deleted 0.9 to 1.3 jobs there for
# each job that a worker ended. Where it cannot keep up, it gets all of the time after five minutes.
_PRUNE_SHARE = 1 / 4

_WORKERS_KEPT_SECONDS = 7 * 86400.0
_REQUESTS_KEPT_SECONDS = 86400.0


def services(
    *, expire_every_seconds: float = 5.0, prune_every_seconds: float = 30.0
) -> list[Service]:
    """The services that expire jobs, and that delete jobs and other rows nobody needs."""
    expire = BatchedStatement(retention.expire, retention.first_expired, _JOBS_MAX)
    prune = BatchedStatement(
        retention.prune, retention.first_prunable, _JOBS_MAX, reduce=retention.delete_rows
    )
    return [
        Service("expire", expire_every_seconds, expire.take, is_shared=True),
        Service("prune", prune_every_seconds, prune.take, _PRUNE_SHARE, is_shared=True),
        Surplus().service(),
        Service("prune_workers", 3600.0, prune_workers, is_shared=True),
        Service("prune_requests", 3600.0, prune_requests, is_shared=True),
    ]


def prune_workers(link: Link) -> bool:
    """Delete workers that ended a week ago and have no job to rescue; False: no more to do."""
    run(link, retention.prune_workers(_WORKERS_KEPT_SECONDS))
    run(link, retention.prune_supervisors(_WORKERS_KEPT_SECONDS))
    return False


def prune_requests(link: Link) -> bool:
    """Delete requests that were made a day ago and whose attempt is over."""
    run(link, retention.prune_requests(_REQUESTS_KEPT_SECONDS))
    return False
