"""A drain while retention deletes expired jobs, against a drain while they all stay."""

from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

import psycopg

from benchmarks.backlog import fill
from benchmarks.drain import work_off
from benchmarks.measurement import Measurement, ratio
from benchmarks.server import Server

_DAY_SECONDS = 86_400

# Retention deletes the earliest job first, which is the order of the ids.
_FIRST_REMAINING = """
select
  clock_timestamp(),
  (select id from pgqueue.jobs where kept_until is not null order by kept_until limit 1)
"""
_LAST = "select max(id) from pgqueue.jobs"
_DRAINED = "select min(started_at), max(finished_at) from pgqueue.attempts where job_id > %s"


class Observation(NamedTuple):
    """The first finished job that retention had not deleted at a moment."""

    at: datetime
    job_id: int


def pruning(server: Server, *, count: int, finished: int) -> Mapping[str, Measurement]:
    """The ratio of both drain rates, and the pruned jobs for each drained job.

    Args:
        finished: The number of finished jobs, which are expired in one drain only.

    Raises:
        ValueError: Pruning did not last from the first start to the last end.
    """
    ours, pruned = _drain(server, count, finished, keep_seconds=0)
    against, others = _drain(server, count, finished, keep_seconds=_DAY_SECONDS)
    if pruned <= 0 or others:
        raise ValueError(
            f"{pruned:g} jobs were pruned during a drain, and {others:g} while all are kept."
        )
    return {"ratio": ratio(ours, against), "pruned": Measurement(pruned / count)}


def _drain(server: Server, count: int, finished: int, keep_seconds: int) -> tuple[float, float]:
    """The drained jobs a second, and the number of jobs pruned meanwhile."""
    observations = list[Observation]()

    def observe(connection: "psycopg.Connection[Any]") -> None:
        [observation] = connection.execute(_FIRST_REMAINING).fetchall()
        observations.append(Observation(*observation))

    with server.database() as url:
        fill(url, 0, finished=finished, keep=str(keep_seconds))
        with psycopg.connect(url) as connection:
            [(last,)] = connection.execute(_LAST).fetchall()
        fill(url, count)
        rate = work_off(url, count, on_poll=observe)
        with psycopg.connect(url) as connection:
            [(began_at, ended_at)] = connection.execute(_DRAINED, [last]).fetchall()
    if observations[-1].job_id > last:
        raise ValueError(f"All {finished} jobs were pruned before the drain ended.")
    begin, end = (first_remaining(observations, moment) for moment in (began_at, ended_at))
    return rate, end - begin


def first_remaining(observations: list[Observation], moment: datetime) -> float:
    """The id of the first remaining job, interpolated between two observations by time.

    Raises:
        ValueError: There is no observation before the moment, or none after it.
    """
    for before, after in pairwise(observations):
        if before.at <= moment <= after.at:
            share = (moment - before.at) / (after.at - before.at)
            return before.job_id + share * (after.job_id - before.job_id)
    raise ValueError(f"There is no observation before and after {moment}.")
