"""The database's password is not shown in settings, errors, logs or `ps`."""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from psycopg.conninfo import conninfo_to_dict

from pgqueue.cli.app import main
from pgqueue.client.client import Client
from pgqueue.core.errors import DatabaseUnreachable, InvalidSettings
from pgqueue.core.settings import load_settings, redact_url
from pgqueue.store.connection.database import Database, libpq_url

if TYPE_CHECKING:
    from tests.security.conftest import Logins

APP = Path(__file__).parent / "app"
CANARY = "cAnArY-77"
URLS = [
    f"postgresql://ada:{CANARY}@127.0.0.1:1/shop",
    f"postgresql+psycopg://ada:{CANARY}@127.0.0.1:1/shop",
    f"postgresql://ada:p/{CANARY}@127.0.0.1:1/shop",
    f"postgresql://ada:12/{CANARY}@127.0.0.1:1/shop",
    f"postgresql://ada:p@{CANARY}@127.0.0.1:1/shop",
    f"postgresql://ada:{CANARY}%zz@127.0.0.1:1/shop",
    f"postgresql://ada:{CANARY}#1@127.0.0.1:1/shop",
    f"postgresql://ada:{CANARY}@127.0.0.1:port/shop",
    f"postgresql://ada:{CANARY}@[::1/shop",
    f"postgresql://127.0.0.1:1/shop?user=ada&password={CANARY}",
    f"postgresql://127.0.0.1:1/shop?sslpassword={CANARY}",
    f"host=127.0.0.1 port=1 password={CANARY}",
    f"host=127.0.0.1 port=1 password='{CANARY} and more'",
    f"host=127.0.0.1 port=1 password='never ended {CANARY}",
    f"host=127.0.0.1 port=1 password = {CANARY}",
    f"host=127.0.0.1 port=1 password=http://{CANARY}",
    f"host=127.0.0.1 port=1 password={CANARY} nonsense",
    f"ada:{CANARY}@127.0.0.1:1/shop",
]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize(
    "command", [["config"], ["jobs", "list"], ["migrate"], ["worker", "--burst"]]
)
def test_no_command_prints_the_password(
    url: str, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main([*command, "--url", url])

    output = capsys.readouterr()
    assert output.out + output.err
    assert CANARY not in output.out + output.err


@pytest.mark.parametrize("url", URLS)
def test_no_error_and_no_cause_of_it_shows_the_password(url: str) -> None:
    with pytest.raises((DatabaseUnreachable, InvalidSettings)) as raised:
        Database(url).open()

    error: BaseException | None = raised.value
    while error is not None:
        assert CANARY not in f"{error} {error!r}"
        error = error.__cause__


@pytest.mark.parametrize("url", URLS)
def test_settings_and_clients_do_not_show_the_password(url: str) -> None:
    settings = load_settings({"url": url, "listen_url": url}, environ={}, folder="/nowhere")

    assert CANARY not in f"{settings!r} {Client(url)!r} {Database(url)!r} {redact_url(url)}"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:p%40ss@db:5432/shop?application_name=x",
        "postgresql://ada@%2Ftmp/shop",
        "postgresql://@/shop?host=%2Ftmp%2Fa&port=1",
        "postgresql:///shop?host=/tmp&options=-c%20a%3Db@c",
        "host=/tmp dbname=a@b/c@d",
        "host=/tmp password=http://a@b/c@d",
    ],
)
def test_a_url_that_libpq_can_read_is_read_as_by_libpq(url: str) -> None:
    fields = conninfo_to_dict(Database(url).conninfo("x"))

    for name, value in conninfo_to_dict(libpq_url(url)).items():
        assert str(value) in str(fields[name])


def test_a_worker_shows_the_password_neither_in_its_log_nor_to_ps(
    logins: "Logins", client: Client
) -> None:
    fields = conninfo_to_dict(logins.url("worker"))
    url = (
        f"postgresql://{fields['user']}:{CANARY}@/{fields['dbname']}"
        f"?host={fields['host']}&port={fields['port']}"
    )
    job = client.enqueue("vault.show_processes")

    result = subprocess.run(
        [
            *(sys.executable, "-m", "pgqueue", "worker", "--burst", "--tasks", "vault"),
            *("--url", url),
        ],
        cwd=APP,
        env={"PATH": "/usr/bin:/bin", "PGQUEUE_LOG_LEVEL": "DEBUG"},
        capture_output=True,
        text=True,
        timeout=90,
    )

    titles = client.job(job.id).result
    assert 0 == result.returncode, result.stderr
    assert CANARY not in result.stdout + result.stderr
    assert 2 == len(titles)
    assert "--url" in titles[1]
    assert CANARY not in "".join(titles)
