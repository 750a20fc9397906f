"""`@task`: what it makes of a function, what it refuses, and what it hands to the client."""

import asyncio
import functools
import inspect
import json
import subprocess
import sys
import typing
import warnings
from datetime import timedelta
from pathlib import Path

import pytest

import pgqueue
from pgqueue import InvalidArguments, InvalidOption, InvalidTask, Retry, UnstorableValue, task
from pgqueue.core.new_job import NewJob
from pgqueue.tasks.registry import REGISTRY

ROOT = Path(__file__).parents[2]


def is_async_of_asyncio(function):
    """What libraries ask on Python before 3.14."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return asyncio.iscoroutinefunction(function)


def send(user_id: int, template: str = "welcome") -> str:
    """Send a mail."""
    return f"{template} {user_id}"


async def fetch(url: str) -> int:
    """Fetch a page."""
    return len(url)


def test_a_task_is_called_like_its_function():
    made = task(send)

    assert "welcome 7" == made(7)
    assert 3 == asyncio.run(task(fetch)("abc"))


def test_a_task_looks_like_its_function():
    made = task(send)

    assert ("send", "send", __name__, "Send a mail.") == (
        made.__name__,
        made.__qualname__,
        made.__module__,
        made.__doc__,
    )
    assert inspect.signature(send) == inspect.signature(made)


@pytest.mark.parametrize("is_coroutine", [inspect.iscoroutinefunction, is_async_of_asyncio])
def test_a_task_over_a_coroutine_function_looks_like_one(is_coroutine):
    async def local(n: int = 1, *, m: int = 2): ...

    made = task(fetch)

    assert is_coroutine(made)
    assert is_coroutine(functools.partial(made, "abc"))
    assert is_coroutine(task(name="local")(local))
    assert is_coroutine(made.aenqueue)
    assert not is_coroutine(task(send))
    assert not is_coroutine(made.enqueue)


def test_a_task_keeps_its_signature_and_source():
    made = task(fetch)

    assert inspect.signature(fetch) == inspect.signature(made)
    assert {"url": str, "return": int} == typing.get_type_hints(made)
    assert inspect.getsource(fetch) == inspect.getsource(made)


def test_a_task_is_known_by_its_canonical_path():
    made = task(send)

    assert f"{__name__}.send" == made.name
    assert made is REGISTRY.find(made.name)


def test_a_name_replaces_the_path_and_aliases_stand_beside_it():
    made = task(name="mail.send", aliases=["old.send"])(send)

    assert made is REGISTRY.find("mail.send") is REGISTRY.find("old.send")
    assert REGISTRY.find(f"{__name__}.send") is None


def test_the_executor_fits_the_function():
    assert "greenlet" == task(send).options.executor
    assert "asyncio" == task(fetch).options.executor
    assert "process" == task(executor="process")(send).options.executor


def test_an_attribute_of_the_function_replaces_none_of_the_task():
    @functools.wraps(send)
    def carrying(user_id: int) -> str: ...

    carrying.name = carrying.options = carrying.payload = "mine"

    made = task(name="carrying")(carrying)

    assert "carrying" == made.name
    assert "carrying(user_id: int, template: str = 'welcome') -> str" == made.payload.signature


def generator():
    """Yield."""
    yield 1


class Shop:
    """A class with functions."""

    def method(self): ...

    @staticmethod
    def function(n: int): ...


@pytest.mark.parametrize(
    ("function", "options", "reason"),
    [
        (generator, {}, "generator"),
        (lambda: None, {}, "cannot import it by that path"),
        (Shop.method, {}, "method"),
        (Shop, {}, "takes a function"),
        (print, {}, "takes a function"),
        ("mail.send", {}, "takes a function"),
        (fetch, {"executor": "greenlet"}, "executor='greenlet'"),
        (fetch, {"executor": "process"}, "executor='process'"),
        (send, {"executor": "asyncio"}, "coroutine functions"),
        (send, {"redact": ["passwrod"]}, "passwrod"),
    ],
)
def test_a_function_that_cannot_be_a_task_is_refused(function, options, reason):
    with pytest.raises(InvalidTask, match=reason):
        task(**options)(function)


def test_a_local_function_needs_a_name():
    def local(): ...

    with pytest.raises(InvalidTask, match="name="):
        task(local)
    assert "local" == task(name="local")(local).name


def test_a_static_method_may_be_a_task():
    assert f"{__name__}.Shop.function" == task(Shop.function).name


def test_a_misspelt_option_is_refused():
    with pytest.raises(InvalidOption, match="Did you mean 'queue'"):
        task(qeue="mail")
    with pytest.raises(InvalidOption, match="Did you mean 'queue'"):
        task(send).using(qeue="mail")


def test_enqueue_hands_over_the_checked_job(recorder):
    made = task(queue="mail", timeout=30, retry=Retry(5), tags=["a"])(send)

    made.enqueue(7, template="bye")

    expected = NewJob(
        task=f"{__name__}.send",
        args='{"user_id":7,"template":"bye"}',
        queue="mail",
        max_attempts=5,
        timeout_seconds=30.0,
        tags=("a",),
    )
    assert [(expected, None)] == recorder.sent


def test_using_changes_one_call_only(recorder):
    made = task(queue="mail", timeout=30)(send)
    mine = object()

    made.using(
        connection=mine,
        queue="bulk",
        priority=9,
        timeout=None,
        run_after=timedelta(minutes=5),
        expires_after=3600,
        tags=["x"],
    ).enqueue(7)
    made.enqueue(8)

    [(first, connection), (second, own)] = recorder.sent
    assert (mine, None) == (connection, own)
    assert ("bulk", 9, None, 300.0, 3600.0, ("x",)) == (
        first.queue,
        first.priority,
        first.timeout_seconds,
        first.run_after,
        first.expires_after_seconds,
        first.tags,
    )
    assert ("mail", 0, 30.0, None, None, ()) == (
        second.queue,
        second.priority,
        second.timeout_seconds,
        second.run_after,
        second.expires_after_seconds,
        second.tags,
    )


def test_a_task_that_must_not_start_twice_takes_no_retry_by_call():
    made = task(delivery="at_most_once")(send)

    with pytest.raises(InvalidOption, match="at_most_once"):
        made.using(retry=Retry(2))


def test_the_asyncio_twins_hand_over_equal_jobs(recorder):
    made = task(send)

    async def both():
        await made.aenqueue(7)
        return await made.aenqueue_many([{"user_id": 8}])

    count = asyncio.run(both())

    assert 1 == count
    assert ['{"user_id":7}', '{"user_id":8}'] == [new.args for new, _ in recorder.sent]


def test_enqueue_many_takes_mappings_from_a_generator(recorder):
    made = task(send)

    count = made.using(queue="bulk").enqueue_many({"user_id": n} for n in range(3))

    assert 3 == count
    assert [("bulk", f'{{"user_id":{n}}}') for n in range(3)] == [
        (new.queue, new.args) for new, _ in recorder.sent
    ]


@pytest.mark.parametrize("bad", [{"user_id": "x"}, {}, {"user_id": 1, "to": 2}, 7, (7,)])
def test_the_refusal_of_one_of_many_names_its_number(bad, recorder):
    made = task(send)

    with pytest.raises(InvalidArguments) as caught:
        made.enqueue_many([{"user_id": 1}, bad])

    assert "number 1 of the calls" in caught.value.__notes__[0]
    assert [] == recorder.sent


def test_bad_arguments_are_refused_before_anything_is_sent(recorder):
    made = task(send)

    with pytest.raises(InvalidArguments):
        made.enqueue("seven")
    with pytest.raises(UnstorableValue):
        made.enqueue(7, "\0")

    assert [] == recorder.sent


def test_the_limit_of_the_client_is_checked(recorder):
    recorder.args_bytes_max = 20

    with pytest.raises(pgqueue.PayloadTooLarge):
        task(send).enqueue(7, "a longer template")


def test_a_description_is_json_with_every_option():
    made = task(name="mail.send", aliases=["old"], queue="mail", redact=["template"])(send)

    described = json.loads(json.dumps(made.describe()))

    assert "mail.send" == described["name"]
    assert "mail.send(user_id: int, template: str = 'welcome') -> str" == described["signature"]
    assert "Send a mail." == described["docstring"]
    assert ["old"] == described["aliases"]
    assert "mail" == described["options"]["queue"]
    assert 3600.0 == described["options"]["timeout_seconds"]
    assert ["template"] == described["options"]["redact"]


SCRIPT = """
import pgqueue

@pgqueue.task
def work(n: int) -> None: ...

print(work.name)
pgqueue.configure(url="postgresql://nowhere.invalid/none")
try:
    work.check_reachable()
except pgqueue.InvalidTask as error:
    print(error)
"""


def run_python(*args, folder):
    """What a Python prints, started in a folder with pgqueue on its path."""
    done = subprocess.run(
        [sys.executable, *args],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def test_a_task_of_a_script_is_refused_at_enqueue(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)

    printed = run_python("script.py", folder=tmp_path)

    assert "__main__.work cannot be a task: a worker cannot import a script" in printed


def test_a_module_that_is_run_is_known_by_its_real_name(tmp_path):
    (tmp_path / "shop.py").write_text(SCRIPT)

    printed = run_python("-m", "shop", folder=tmp_path)

    assert "shop.work\n" == printed


def test_defining_tasks_loads_no_heavy_library(tmp_path):
    heavy = "{'psycopg', 'sqlalchemy', 'alembic', 'gevent', 'typer', 'starlette', 'pydantic'}"
    code = (
        "import sys, pgqueue\n"
        "from pgqueue import Retry, current_job, enqueue, task\n"
        "pgqueue.task(name='f')(lambda n: n).using(queue='q')\n"
        f"print({heavy} & {{name.partition('.')[0] for name in sys.modules}})\n"
    )

    printed = run_python("-c", code, folder=tmp_path)

    assert "set()\n" == printed


def test_every_public_name_exists_and_has_a_docstring():
    for name in pgqueue.__all__:
        assert getattr(pgqueue, name).__doc__

    assert sorted(pgqueue.__all__) == pgqueue.__all__
    assert {*pgqueue._HOME, "events"} == set(pgqueue.__all__)
    with pytest.raises(AttributeError, match="tsk"):
        _ = pgqueue.tsk
