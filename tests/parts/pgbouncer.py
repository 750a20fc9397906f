"""PgBouncer in transaction mode before a server, for tests."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

_CONFIGURATION = """
[databases]
* = {server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {pool_mode}
default_pool_size = {pool_size}
max_client_conn = 500
"""


@contextmanager
def pgbouncer(
    server_url: str, pool_size: int = 20, pool_mode: str = "transaction"
) -> Iterator[str]:
    """The URL of a pooler before a server; it serves every database of the server."""
    fields = conninfo_to_dict(server_url)
    user = str(fields.get("user") or "postgres")
    server = {"host": fields["host"], "port": fields.get("port") or 5432, "user": user}
    folder = Path(tempfile.mkdtemp(prefix="pgqueue-test-"))
    folder.chmod(0o755)
    port = _free_port()
    file = folder / "pgbouncer.ini"
    file.write_text(
        _CONFIGURATION.format(
            server=" ".join(f"{name}={value}" for name, value in server.items()),
            port=port,
            pool_size=pool_size,
            pool_mode=pool_mode,
        )
    )
    process = subprocess.Popen(
        [_program(), str(file)], stderr=subprocess.DEVNULL, **_unprivileged()
    )
    url = f"postgresql://{quote(user, safe='')}@127.0.0.1:{port}/postgres"
    try:
        _wait_until_ready(url)
        yield url
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def _program() -> str:
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    assert program, "pgbouncer is not installed; `make test-pgbouncer` installs it"
    return program


def _unprivileged() -> dict[str, object]:
    # PgBouncer refuses to run as root.
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait_until_ready(url: str) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
