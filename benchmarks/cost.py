"""What a job costs the server between its enqueueing and its end, counted over one drain."""

from collections.abc import Mapping
from typing import Any

import psycopg

from benchmarks import lanes
from benchmarks.place import Place, name_of
from benchmarks.reading import Reading, ratio
from benchmarks.statements import Statements
from pgqueue.store.schema_name import Schema

_CLAIM = Schema().render("claim").strip().partition("\n")[0]

_WAL = "select pg_current_wal_insert_lsn()::text"
_COMMITS = "select xact_commit from pg_stat_database where datname = %s"
_DEAD = "select sum(n_tup_upd + n_tup_del) from pg_stat_all_tables where schemaname = 'pgqueue'"

# Pages that are written whole, once after each checkpoint, apart from what the jobs changed.
_BYTES = """
select sum(record_size + fpi_size)::float8, sum(fpi_size)::float8
from pg_get_wal_stats(%s::pg_lsn, %s::pg_lsn)
"""


def cost(place: Place, *, count: int, keep_seconds: int) -> Mapping[str, Reading]:
    """What each job of a drain by one worker costs, attempts, claims and idle looks included.

    `fill_lane` ends with a checkpoint, so every page that is touched is written whole once: the
    worst that page images can cost.
    """
    with place.database() as url, place.administrator() as counting:
        lanes.fill_lane(url, count, keep_seconds)
        asked = Statements(place, url)
        dead = _one(url, _DEAD)
        commits = _told(counting, _COMMITS, name_of(url))
        here, begin = asked.here(), _told(counting, _WAL)
        rate = lanes.work_off(url, count, keep_seconds)
        end = _told(counting, _WAL)
        # Who drains looks on by single statements in autocommit, each a transaction.
        # The worker is gone, and sessions that end have told what they counted.
        commits = _told(counting, _COMMITS, name_of(url)) - commits
        ours, others = asked.since(here)
        dead = _one(url, _DEAD) - dead
        counting.execute("create extension if not exists pg_walinspect")
        [(whole, images)] = counting.execute(_BYTES, [begin, end]).fetchall()
    claims = sum("|pgqueue fetcher " in text and _CLAIM in text for text in ours)
    if not claims or not commits or not dead:
        raise ValueError("Nothing was counted.")
    return {
        "wal": Reading((whole - images) / count),
        "images": Reading(images / count),
        "transactions": Reading((commits - len(others)) / count),
        "statements": Reading(len(ours) / count),
        "batch": Reading(count / claims),
        "dead": Reading(float(dead) / count),
        "rate": Reading(rate),
    }


def without_keeping(place: Place, *, count: int, keep_seconds: int) -> Mapping[str, Reading]:
    """What a job costs that is deleted as it is settled, against one that stays for so long."""
    ours = cost(place, count=count, keep_seconds=0)
    against = cost(place, count=count, keep_seconds=keep_seconds)
    compared = {name: ratio(ours[name].value, against[name].value) for name in ("wal", "rate")}
    return {**compared, "dead": ours["dead"]}


def _told(connection: "psycopg.Connection[Any]", text: str, *params: object) -> Any:
    [(value,)] = connection.execute(text.encode(), params or None).fetchall()
    return value


def _one(url: str, text: str) -> Any:
    with psycopg.connect(url, autocommit=True) as connection:
        return _told(connection, text)
