"""The token of a claimed attempt, and the wait that its settlement decided."""

from queue_database import QueueDatabase

from pgqueue.store.claims import ClaimedAttempt


def token(claimed: ClaimedAttempt) -> tuple[int, int, int]:
    """The fencing token of an attempt."""
    return claimed.id, claimed.attempt, claimed.worker_id


def wait_seconds(db: QueueDatabase, claimed: ClaimedAttempt) -> float:
    """The seconds from the end of an attempt until its job is due."""
    (wait,) = db.row(
        """
        select extract(epoch from job.run_at - attempt.finished_at)::float8
        from pgqueue.jobs as job
        join pgqueue.attempts as attempt on attempt.job_id = job.id
        where attempt.job_id = %(id)s
          and attempt.attempt = %(attempt)s
        """,
        id=claimed.id,
        attempt=claimed.attempt,
    )
    assert isinstance(wait, float)
    return wait
