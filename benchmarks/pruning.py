"""A drain while retention deletes jobs whose time is over, against one while they all stay."""

from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

import psycopg

from benchmarks.backlog import fill
from benchmarks.drain import work_off
from benchmarks.place import Place
from benchmarks.reading import Reading, ratio

_DAY_SECONDS = 86_400

# Retention takes the earliest first, and that is the order of their ids.
_FIRST_LEFT = """
select
  clock_timestamp(),
  (select id from pgqueue.jobs where kept_until is not null order by kept_until limit 1)
"""
_LAST = "select max(id) from pgqueue.jobs"
_DRAINED = "select min(started_at), max(finished_at) from pgqueue.attempts where job_id > %s"


class Sight(NamedTuple):
    """Which finished job was the first that was left, at some moment."""

    at: datetime
    job_id: int


def pruning(place: Place, *, count: int, finished: int) -> Mapping[str, Reading]:
    """Both drains, and how many jobs were pruned during ours for each that was drained.

    Args:
        finished: How many were finished before, whose time is over, or is not.

    Raises:
        ValueError: Pruning did not go on from the first start to the last end.
    """
    ours, pruned = _drain(place, count, finished, keep_seconds=0)
    against, others = _drain(place, count, finished, keep_seconds=_DAY_SECONDS)
    if pruned <= 0 or others:
        raise ValueError(f"{pruned:g} jobs were pruned during a drain, and {others:g} beside.")
    return {"ratio": ratio(ours, against), "pruned": Reading(pruned / count)}


def _drain(place: Place, count: int, finished: int, keep_seconds: int) -> tuple[float, float]:
    """Jobs drained a second, and how many were pruned meanwhile."""
    sights = list[Sight]()

    def look(connection: "psycopg.Connection[Any]") -> None:
        [sight] = connection.execute(_FIRST_LEFT).fetchall()
        sights.append(Sight(*sight))

    with place.database() as url:
        fill(url, 0, finished=finished, keep=str(keep_seconds))
        with psycopg.connect(url) as connection:
            [(last,)] = connection.execute(_LAST).fetchall()
        fill(url, count)
        rate = work_off(url, count, look=look)
        with psycopg.connect(url) as connection:
            [(began_at, ended_at)] = connection.execute(_DRAINED, [last]).fetchall()
    if sights[-1].job_id > last:
        raise ValueError(f"All {finished} jobs were pruned before the drain ended.")
    begin, end = (first_left(sights, moment) for moment in (began_at, ended_at))
    return rate, end - begin


def first_left(sights: list[Sight], moment: datetime) -> float:
    """The id of the first job that was left, between two looks in proportion to the time.

    Raises:
        ValueError: Nobody looked before or nobody looked after.
    """
    for before, after in pairwise(sights):
        if before.at <= moment <= after.at:
            share = (moment - before.at) / (after.at - before.at)
            return before.job_id + share * (after.job_id - before.job_id)
    raise ValueError(f"Nobody looked before and after {moment}.")
