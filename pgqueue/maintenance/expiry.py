"""Cancels jobs that were not started in time, and deletes what was kept long enough."""

from pgqueue.maintenance.service import Service
from pgqueue.store import retention
from pgqueue.store.batched_statement import BatchedStatement
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run

# Short transactions: a round never holds up a claim for long.
_JOBS_MAX = 1000

# What is over can wait, and what is ready cannot. Deleting as fast as it could, it took a quarter
# from a drain on two cores. With this share it deleted 0.9 to 1.3 jobs there for each that a worker
# ended; where it cannot keep up, it takes all of the time after a while.
_PRUNE_SHARE = 1 / 4

_WORKERS_KEPT_SECONDS = 7 * 86400.0
_REQUESTS_KEPT_SECONDS = 86400.0


def services(
    *, expire_every_seconds: float = 5.0, prune_every_seconds: float = 30.0
) -> list[Service]:
    """`expire` and `prune` for jobs, `prune_workers` for workers that ended a week ago."""
    expiring = BatchedStatement(retention.expire, retention.first_expired, _JOBS_MAX)
    pruning = BatchedStatement(retention.prune, retention.first_prunable, _JOBS_MAX)
    return [
        Service("expire", expire_every_seconds, expiring.take),
        Service("prune", prune_every_seconds, pruning.take, _PRUNE_SHARE),
        Service("prune_workers", 3600.0, prune_workers),
        Service("prune_requests", 3600.0, prune_requests),
    ]


def prune_workers(link: Link) -> bool:
    """Delete workers that ended a week ago and have no job left to rescue."""
    run(link, retention.prune_workers(_WORKERS_KEPT_SECONDS))
    run(link, retention.prune_supervisors(_WORKERS_KEPT_SECONDS))
    return False


def prune_requests(link: Link) -> bool:
    """Delete requests that were made a day ago and whose attempt is over."""
    run(link, retention.prune_requests(_REQUESTS_KEPT_SECONDS))
    return False
