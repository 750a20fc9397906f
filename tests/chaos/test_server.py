"""A server that can be stopped as by a crash."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from chaos.server import Server


def test_a_crash_loses_no_committed_row(
    server_folder: Path, wait_until_stopped: Callable[[Path], None]
) -> None:
    server = Server(server_folder)
    try:
        with server.connect() as connection:
            connection.execute("create table kept (n integer)")
            connection.execute("insert into kept values (1)")
            seconds = server.restart("immediate")
            with pytest.raises(psycopg.OperationalError):
                connection.execute("select 1")
        with server.connect() as connection:
            rows = connection.execute("select n from kept").fetchall()
            durable = connection.execute("show fsync").fetchone()
    finally:
        server.close()

    assert [(1,)] == rows
    assert ("on",) == durable
    assert seconds > 0
