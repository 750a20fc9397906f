"""One test that breaks the connection which makes databases does not fail all later tests."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import psycopg


def test_a_statement_that_a_test_left_halfway_keeps_no_later_test_from_its_database(
    administrator: "Callable[[], psycopg.Connection[Any]]",
    fresh_database: Callable[..., AbstractContextManager[str]],
    server_url: str,
) -> None:
    before = administrator()
    before.pgconn.send_query(b"select pg_sleep(60)")

    with fresh_database(server_url) as url, psycopg.connect(url) as connection:
        rows = connection.execute("select count(*) from pgqueue.jobs").fetchall()

    assert [(0,)] == rows
    assert before.closed
    assert administrator() is administrator()
