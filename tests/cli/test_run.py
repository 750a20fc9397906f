"""`pgqueue run`: a task in this process."""

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Command


def test_the_result_is_printed_as_json(command: "Command") -> None:
    said = command("run", "bakery.bake", "loaves=3", "flour=spelt")

    assert {"loaves": 3, "flour": "spelt"} == said.document
    assert 0 == said.code


def test_arguments_may_be_one_json_object(command: "Command") -> None:
    said = command("run", "bakery.bake", json.dumps({"loaves": 2}))

    assert {"loaves": 2, "flour": "rye"} == said.document


def test_a_wrong_argument_prints_the_signature(command: "Command") -> None:
    said = command("run", "bakery.bake", "loaves=many")

    assert 2 == said.code
    assert "bakery.bake(loaves: int" in said.err
    assert "" == said.out


def test_a_word_without_a_name_is_wrong_usage(command: "Command") -> None:
    said = command("run", "bakery.bake", "three")

    assert 2 == said.code
    assert "name=value" in said.err


def test_an_exception_prints_its_traceback_and_is_failed_work(command: "Command") -> None:
    said = command("run", "bakery.burn")

    assert 1 == said.code
    assert "RuntimeError: the oven is too hot" in said.err
    assert "bakery.py" in said.err


def test_the_running_job_is_at_hand(command: "Command") -> None:
    said = command("run", "bakery.tell")

    assert ["bakery.tell", 1, False] == said.document
    assert "kneading" in said.err
    assert "50% risen" in said.err


def test_a_coroutine_is_run_to_its_end(command: "Command") -> None:
    said = command("run", "bakery.wait")

    assert "waited" == said.document


def test_text_becomes_what_the_type_hint_says(command: "Command") -> None:
    said = command("run", "bakery.pay", "card={}", "day=2026-11-23")

    assert "2026-11-23" == said.document


def test_an_unknown_task_is_wrong_usage_and_names_the_nearest(command: "Command") -> None:
    said = command("run", "bakery.bakee", "--tasks", "bakery")

    assert 2 == said.code
    assert "bakery.bake" in said.err


def test_a_module_that_does_not_exist_is_wrong_usage(command: "Command") -> None:
    said = command("run", "nowhere.bake", "--tasks", "nowhere")

    assert 2 == said.code
    assert "'nowhere'" in said.err


def test_any_other_function_is_refused(command: "Command") -> None:
    said = command("run", "os.getcwd")

    assert 2 == said.code
    assert "os.getcwd" in said.err
