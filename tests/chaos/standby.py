"""A streaming standby of a run's server, to be promoted when the server is gone."""

import shlex
import subprocess

import psycopg

from chaos.process_guard import ProcessGuard
from chaos.server import NAME, Server, free_port
from pgqueue.embedded import programs


class Standby:
    """A hot standby that has every commit; its constructor creates and starts it.

    From then on the primary confirms a commit when the standby has it too.
    """

    def __init__(self, primary: Server) -> None:
        self.port = free_port()
        self._cluster = primary.cluster
        self._data = primary.cluster.folder / "standby"
        self._url = primary.url_at(self.port)
        self._guard = ProcessGuard()
        self._run(
            *("pg_basebackup", "--checkpoint=fast", "--wal-method=stream", "--no-sync"),
            *("--write-recovery-conf", f"--pgdata={self._data}", f"--dbname={primary.url}"),
        )
        # The settings of the primary's command line are not copied.
        options = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "120",
            "fsync": "off",
        }
        words = shlex.join(f"--{name}={value}" for name, value in options.items())
        log = self._data.parent / "standby.log"
        self._run("pg_ctl", "start", "--wait", f"--log={log}", f"--options={words}")
        pid_file = self._data / "postmaster.pid"
        self._guard.add(int(pid_file.read_text().split()[0]))
        with primary.connect() as connection:
            connection.execute("alter system set synchronous_standby_names = '*'")
            connection.execute("select pg_reload_conf()")

    def promote(self) -> None:
        """Make it a primary; returns when it takes writes."""
        with psycopg.connect(self._url, autocommit=True, application_name=NAME) as connection:
            connection.execute("select pg_promote(wait => true)")

    def close(self) -> None:
        """Stop it."""
        try:
            self._run("pg_ctl", "stop", "--mode=immediate")
        except subprocess.CalledProcessError:
            pass  # it never started
        self._guard.release()

    def _run(self, *arguments: str) -> None:
        programs.run(
            self._cluster.programs,
            arguments,
            self._cluster.user,
            cwd=self._cluster.folder,
            environment={"PGDATA": str(self._data)},
        )
