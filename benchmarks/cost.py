"""The cost of a job for the server from its enqueueing to its end, counted over one drain."""

from collections.abc import Mapping
from typing import Any

import psycopg

from benchmarks import keep_zero
from benchmarks.measurement import Measurement, ratio
from benchmarks.server import Server, name_of
from benchmarks.statements import Statements
from pgqueue.store.schema_name import Schema

_CLAIM = Schema().render("claim").strip().partition("\n")[0]

_WAL = "select pg_current_wal_insert_lsn()::text"
_COMMITS = "select xact_commit from pg_stat_database where datname = %s"
_DEAD = "select sum(n_tup_upd + n_tup_del) from pg_stat_all_tables where schemaname = 'pgqueue'"

# The sizes of all records and of the page images in them. After a checkpoint, the first change of
# a page writes its image.
_BYTES = """
select sum(record_size + fpi_size)::float8, sum(fpi_size)::float8
from pg_get_wal_stats(%s::pg_lsn, %s::pg_lsn)
"""


def cost(server: Server, *, count: int, keep_seconds: int) -> Mapping[str, Measurement]:
    """The cost of each job of a drain by one worker, attempts, claims and idle polls included.

    `keep_zero.fill_backlog` ends with a checkpoint, so the first change of each page writes its
    image: page images cannot cost more.
    """
    with server.database() as url, server.administrator() as counting:
        keep_zero.fill_backlog(url, count, keep_seconds)
        statements = Statements(server, url)
        dead = _value_at(url, _DEAD)
        commits = _value(counting, _COMMITS, name_of(url))
        position, begin = statements.position(), _value(counting, _WAL)
        rate = keep_zero.work_off(url, count, keep_seconds)
        end = _value(counting, _WAL)
        # `work_off` polls by statements in autocommit, and each is a transaction of its own.
        # A session reports its counts when it ends, and the worker has ended here.
        commits = _value(counting, _COMMITS, name_of(url)) - commits
        ours, others = statements.since(position)
        dead = _value_at(url, _DEAD) - dead
        counting.execute("create extension if not exists pg_walinspect")
        [(whole, images)] = counting.execute(_BYTES, [begin, end]).fetchall()
    claims = sum("|pgqueue fetcher " in text and _CLAIM in text for text in ours)
    if not claims or not commits or not dead:
        raise ValueError("Nothing was counted.")
    return {
        "wal": Measurement((whole - images) / count),
        "images": Measurement(images / count),
        "transactions": Measurement((commits - len(others)) / count),
        "statements": Measurement(len(ours) / count),
        "batch": Measurement(count / claims),
        "dead": Measurement(float(dead) / count),
        "rate": Measurement(rate),
    }


def without_keeping(server: Server, *, count: int, keep_seconds: int) -> Mapping[str, Measurement]:
    """The cost of a job that is deleted when it succeeds, against one that is kept."""
    ours = cost(server, count=count, keep_seconds=0)
    against = cost(server, count=count, keep_seconds=keep_seconds)
    compared = {name: ratio(ours[name].value, against[name].value) for name in ("wal", "rate")}
    return {**compared, "dead": ours["dead"]}


def _value(connection: "psycopg.Connection[Any]", text: str, *params: object) -> Any:
    [(value,)] = connection.execute(text.encode(), params or None).fetchall()
    return value


def _value_at(url: str, text: str) -> Any:
    with psycopg.connect(url, autocommit=True) as connection:
        return _value(connection, text)
