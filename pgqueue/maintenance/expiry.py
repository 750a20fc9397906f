"""Cancels jobs that were not started in time, and deletes what was kept long enough."""

from pgqueue.maintenance.service import Service
from pgqueue.store import upkeep
from pgqueue.store.connect import Link
from pgqueue.store.statement import run

# Short transactions: each deletes a thousand jobs at most, so it never holds up a claim for
# long and always finishes within a statement timeout of seconds.
_JOBS_MAX = 1000

_WORKERS_KEPT_SECONDS = 7 * 86400.0


def services(
    *, expire_every_seconds: float = 5.0, prune_every_seconds: float = 30.0
) -> list[Service]:
    """`expire` and `prune` for jobs, `prune_workers` for workers that ended a week ago."""
    return [
        Service("expire", expire_every_seconds, expire),
        Service("prune", prune_every_seconds, prune),
        Service("prune_workers", 3600.0, prune_workers),
    ]


def expire(link: Link) -> bool:
    """Cancel one batch of jobs that expired; True when there may be more."""
    return run(link, upkeep.expire(_JOBS_MAX)) == _JOBS_MAX


def prune(link: Link) -> bool:
    """Delete one batch of jobs whose time is over; True when there may be more."""
    return run(link, upkeep.prune(_JOBS_MAX)) == _JOBS_MAX


def prune_workers(link: Link) -> bool:
    """Delete workers that ended a week ago and have no job left to rescue."""
    run(link, upkeep.prune_workers(_WORKERS_KEPT_SECONDS))
    return False
