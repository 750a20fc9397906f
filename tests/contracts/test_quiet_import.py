"""What an import of pgqueue loads, and what a worker child loads."""

import json
import subprocess
import sys

HEAVY = {
    "alembic",
    "django",
    "gevent",
    "psycopg",
    "pydantic",
    "rich",
    "sqlalchemy",
    "starlette",
    "typer",
}


def _loaded_by(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport json, sys; print(json.dumps(list(sys.modules)))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


def test_import_pgqueue_loads_no_heavy_library() -> None:
    loaded = _loaded_by("import pgqueue")

    assert "pgqueue" in loaded
    assert set() == loaded & HEAVY


def test_a_worker_loads_no_sqlalchemy_and_gevent_only_for_greenlets() -> None:
    loaded = _loaded_by("import pgqueue.worker.boot")

    assert "psycopg" in loaded
    assert set() == loaded & {"sqlalchemy", "alembic", "gevent", "typer", "rich"}


def test_the_supervisor_loads_neither_gevent_nor_sqlalchemy() -> None:
    loaded = _loaded_by("import pgqueue.cli.supervision")

    assert "psycopg" in loaded
    assert set() == loaded & {"sqlalchemy", "alembic", "gevent"}


def test_a_command_waits_for_nothing_that_another_needs() -> None:
    assert {"typer"} == _loaded_by("import pgqueue.cli.app") & HEAVY


def test_a_supervisors_first_child_waits_for_no_heavy_library_but_typer() -> None:
    loaded = _loaded_by("import pgqueue.cli.app, pgqueue.cli.worker")

    assert {"typer"} == loaded & HEAVY
