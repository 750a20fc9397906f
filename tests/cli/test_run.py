"""`pgqueue run`: a task in this process."""

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Command


def test_the_result_is_printed_as_json(command: "Command") -> None:
    result = command("run", "bakery.bake", "loaves=3", "flour=spelt")

    assert {"loaves": 3, "flour": "spelt"} == result.document
    assert 0 == result.code


def test_arguments_may_be_one_json_object(command: "Command") -> None:
    result = command("run", "bakery.bake", json.dumps({"loaves": 2}))

    assert {"loaves": 2, "flour": "rye"} == result.document


def test_a_wrong_argument_prints_the_signature(command: "Command") -> None:
    result = command("run", "bakery.bake", "loaves=many")

    assert 2 == result.code
    assert "bakery.bake(loaves: int" in result.err
    assert "" == result.out


def test_a_word_without_a_name_is_wrong_usage(command: "Command") -> None:
    result = command("run", "bakery.bake", "three")

    assert 2 == result.code
    assert "name=value" in result.err


def test_an_exception_prints_its_traceback_and_is_failed_work(command: "Command") -> None:
    result = command("run", "bakery.burn")

    assert 1 == result.code
    assert "RuntimeError: the oven is too hot" in result.err
    assert "bakery.py" in result.err


def test_the_task_may_use_its_running_job(command: "Command") -> None:
    result = command("run", "bakery.report")

    assert ["bakery.report", 1, False] == result.document
    assert "kneading" in result.err
    assert "50% risen" in result.err


def test_a_coroutine_is_run_to_its_end(command: "Command") -> None:
    result = command("run", "bakery.wait")

    assert "waited" == result.document


def test_text_becomes_what_the_type_hint_says(command: "Command") -> None:
    result = command("run", "bakery.pay", "card={}", "day=2026-11-23")

    assert "2026-11-23" == result.document


def test_an_unknown_task_is_wrong_usage_and_names_the_nearest(command: "Command") -> None:
    result = command("run", "bakery.bakee", "--tasks", "bakery")

    assert 2 == result.code
    assert "bakery.bake" in result.err


def test_a_module_that_does_not_exist_is_wrong_usage(command: "Command") -> None:
    result = command("run", "nowhere.bake", "--tasks", "nowhere")

    assert 2 == result.code
    assert "'nowhere'" in result.err


def test_any_other_function_is_refused(command: "Command") -> None:
    result = command("run", "os.getcwd")

    assert 2 == result.code
    assert "os.getcwd" in result.err
