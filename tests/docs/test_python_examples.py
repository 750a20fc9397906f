"""Each Python example of README and docs runs unchanged, with the effect that its page states."""

import ast
import asyncio
import inspect
import os
import re
import shlex
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from django_connection import django_connection
from python_path import python_path
from sqlalchemy import MetaData, NullPool, create_engine
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

import pgqueue
from pgqueue import SnoozeJob, configure, enqueue, task
from pgqueue.core.middleware import remove_middleware
from pgqueue.core.settings import Settings
from pgqueue.tasks.inline import run_inline
from pgqueue.worker.start_context import StartContext

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
JOBS = "how-to/what-a-job-may-do.md"
TRANSACTION = "how-to/enqueue-in-your-transaction.md"

SENT = "select task, args->>'user_id' from pgqueue.jobs"


class Base(DeclarativeBase):
    """The application's tables."""


class User(Base):
    """A user of the examples."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


def examples(page: Path) -> list[str]:
    """The Python blocks of a page, in their order."""
    return re.findall(r"```python\n(.*?)```", page.read_text(), re.S)


def example(page: str, number: int = 0) -> str:
    """One Python block of a page below `docs/`."""
    return examples(ROOT / "docs" / page)[number]


def perform(text: str, **names: Any) -> dict[str, Any]:
    """The names of a module in which an example has run; it may await at its top level."""
    module = types.ModuleType("shop")
    module.__dict__.update(names)
    code = compile(text, "<example>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    value = eval(code, module.__dict__)
    if inspect.iscoroutine(value):
        asyncio.run(value)
    return module.__dict__


@pytest.fixture
def rows(database_url: str) -> Iterator[Callable[[str], list[tuple[Any, ...]]]]:
    """A function that returns the rows of a query; the table of users exists."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("set search_path = public")
        connection.execute(
            "create table users (id bigint generated always as identity (start 41), name text)"
        )
        yield lambda query: connection.execute(query.encode()).fetchall()


@pytest.fixture
def url(database_url: str) -> Iterator[str]:
    """The default database of the examples."""
    configure(url=database_url)
    yield database_url
    configure()


@pytest.fixture
def send_welcome() -> Any:
    """The task that the pages enqueue."""

    def send_welcome(user_id: int, template: str = "welcome") -> None:
        """Write to a user."""

    return task(queue="mail", name="shop.mail.send_welcome")(send_welcome)


def test_every_example_is_run_here() -> None:
    counts = {page.relative_to(ROOT).as_posix(): len(examples(page)) for page in PAGES}

    assert {page: count for page, count in counts.items() if count} == {
        "README.md": 2,
        "docs/how-to/alembic.md": 1,
        "docs/how-to/enqueue-in-your-transaction.md": 4,
        "docs/how-to/events-and-middleware.md": 2,
        "docs/how-to/logging.md": 1,
        "docs/how-to/stop-and-deploy.md": 2,
        "docs/how-to/what-a-job-may-do.md": 2,
        "docs/tutorial/first-job.md": 1,
    }


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the file `shop/mail.py` of the README, which can be imported."""
    tmp_path.joinpath("shop").mkdir()
    tmp_path.joinpath("shop/mail.py").write_text(examples(ROOT / "README.md")[0])
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in ("shop", "shop.mail"):
        sys.modules.pop(name, None)


def test_the_commands_of_the_readme(database_url: str, shop: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    section = readme.partition("## A first task")[2]
    migrate, work, enqueue = re.findall(r"^pgqueue (?:migrate|worker|enqueue).*$", section, re.M)
    (query,) = re.findall(r"```sql\n(.*?)```", readme, re.S)

    _shell(migrate, shop, database_url)
    job_id = int(_shell(enqueue, shop, database_url))
    _shell(f"{work} --burst", shop, database_url)  # the reader stops the worker by hand
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(query.encode()).fetchall()

    assert rows == [(job_id, "succeeded", 1, "succeeded", "welcome-7", None)]


def test_the_transaction_of_the_readme(url: str, rows: Callable[[str], Any], shop: Path) -> None:
    engine = create_engine(_sqlalchemy(url))

    perform(examples(ROOT / "README.md")[1], Session=Session, engine=engine, User=User)
    engine.dispose()

    assert rows("select id, name from users") == [(41, "Ada")]
    assert rows(SENT) == [("shop.mail.send_welcome", "41")]


def test_enqueue_with_psycopg(url: str, rows: Callable[[str], Any], send_welcome: Any) -> None:
    perform(example(TRANSACTION, 0), psycopg=psycopg, url=url, send_welcome=send_welcome)

    assert rows(SENT) == [("shop.mail.send_welcome", "41")]


def test_enqueue_with_sqlalchemy(url: str, rows: Callable[[str], Any], send_welcome: Any) -> None:
    engine = create_engine(_sqlalchemy(url))
    perform(
        example(TRANSACTION, 1),
        Session=Session,
        engine=engine,
        User=User,
        send_welcome=send_welcome,
    )
    engine.dispose()

    assert rows(SENT) == [("shop.mail.send_welcome", "41")]


def test_enqueue_on_asyncio(url: str, rows: Callable[[str], Any], send_welcome: Any) -> None:
    perform(
        example(TRANSACTION, 2),
        AsyncSession=AsyncSession,
        async_engine=create_async_engine(_sqlalchemy(url), poolclass=NullPool),
        User=User,
        send_welcome=send_welcome,
    )

    assert rows(SENT) == [("shop.mail.send_welcome", "41")]


def test_enqueue_with_django(url: str, rows: Callable[[str], Any], send_welcome: Any) -> None:
    connection = django_connection(url)

    class Model:
        pk = 0

        def save(self) -> None:
            with connection.cursor() as cursor:
                cursor.execute("insert into users (name) values ('Ada') returning id")
                (self.pk,) = cursor.fetchone()

    perform(example(TRANSACTION, 3), user=Model(), send_welcome=send_welcome)
    connection.close()

    assert rows("select name from users") == [("Ada",)]
    assert rows(SENT) == [("shop.mail.send_welcome", "41")]


@pytest.mark.not_under("hostile", reason="Alembic reflects in the application's path")
def test_alembic(url: str, rows: Callable[[str], Any]) -> None:
    engine = create_engine(_sqlalchemy(url))
    metadata = MetaData()
    listed: dict[str, Any] = {}
    with engine.connect() as connection:
        perform(
            example("how-to/alembic.md"),
            context=types.SimpleNamespace(configure=listed.update),
            connection=connection,
            target_metadata=metadata,
        )
        context = MigrationContext.configure(listed.pop("connection"), opts=listed)
        changes = compare_metadata(context, metadata)
    engine.dispose()

    assert [("remove_table", "users")] == [(change[0], change[1].name) for change in changes]


def test_stop_and_deploy() -> None:
    handled: list[int] = []

    class Stopping:
        def should_stop(self) -> bool:
            return len(handled) == 2

    with pytest.raises(SnoozeJob):
        perform(
            example("how-to/stop-and-deploy.md"),
            rows=[1, 2, 3],
            handle=handled.append,
            current_job=Stopping,
            SnoozeJob=SnoozeJob,
        )

    assert handled == [1, 2]


def test_context_variables_of_a_job() -> None:
    bill = perform(example(JOBS), pgqueue=pgqueue)["bill"].function
    start_context = StartContext()

    seen = [start_context.new_context().run(bill, customer) for customer in ("ada", "bob")]

    assert seen == ["nobody", "nobody"]


def test_scoped_sessions_end_with_their_job(url: str, rows: Callable[[str], Any]) -> None:
    engine = create_engine(_sqlalchemy(url), poolclass=NullPool)
    names = perform(example(JOBS, 1), engine=engine)
    session = names["Session"]

    @task(name="shop.add")
    def add() -> None:
        session.add(User(name="Ada"))
        session.flush()

    run_inline(add, {}, Settings())
    remove_middleware(names["end_session"])

    assert not session.registry.has()
    assert rows("select name from users") == []


def test_run_workers_from_your_own_program(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "from pgqueue import task\n\n@task\ndef bake() -> int:\n    return 3\n"
    tmp_path.joinpath("shop.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", python_path(tmp_path))
    monkeypatch.setenv("PGQUEUE_URL", database_url)
    results: list[Any] = []

    def serve() -> None:
        results.append(enqueue("shop.bake").wait(timeout=60).result)

    perform(example("how-to/stop-and-deploy.md", 1), serve=serve)
    configure()

    assert results == [3]


def test_tutorial(database_url: str, tmp_path: Path) -> None:
    page = "tutorial/first-job.md"
    tmp_path.joinpath("shop.py").write_text(example(page))
    commands = re.findall(r"^pgqueue .*$", (ROOT / "docs" / page).read_text(), re.M)
    run, work, enqueue, show = commands

    def shell(command: str) -> str:
        return _shell(command, tmp_path, database_url)

    assert "3.5\n" == shell(run)
    job_id = shell(enqueue).strip()
    shell(f"{work} --burst")  # the reader of the page stops the worker by hand
    output = shell(re.sub(r" 1$", f" {job_id}", show))
    assert job_id.isdigit()
    assert "succeeded" in output
    assert "adding 2 prices" in output


def _shell(command: str, folder: Path, url: str) -> str:
    result = subprocess.run(
        [sys.executable, "-m", *shlex.split(command)],
        cwd=folder,
        env={**os.environ, "PGQUEUE_URL": url, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert 0 == result.returncode, result.stderr
    return result.stdout


def _sqlalchemy(url: str) -> str:
    return f"postgresql+psycopg://{url.split('://', 1)[1]}"
