"""Loading imports only modules of the named packages, and a name leads only to a task."""

import importlib
import os
import sys
import threading

import pytest

from pgqueue import TaskModuleBroken, TaskModuleNotFound, UnknownTask
from pgqueue.core.decisions import JobCancelled, JobInterrupted, JobTimeout
from pgqueue.tasks import loading
from pgqueue.tasks.loading import load, may_import, resolve

TASK = "from pgqueue import task\n\n@task\ndef f(n: int): ...\n\ndef plain(): ...\n"


def test_loading_finds_modules_of_the_current_folder(project):
    project(shop__tasks=TASK)

    tasks = load(["shop.tasks"])

    assert ["shop.tasks.f"] == [task.name for task in tasks]
    assert os.getcwd() == sys.path[0]


def test_a_name_is_resolved_within_the_loaded_packages(project):
    project(shop__tasks=TASK, shop__mail__send=TASK)
    load(["shop.tasks"])

    assert "shop.mail.send.f" == resolve("shop.mail.send.f").name


def test_a_task_inside_a_class_is_resolved_by_its_path(project):
    project(
        shop__tasks="",
        shop__stores="from pgqueue import task\n\n"
        "class Shop:\n    @staticmethod\n    @task\n    def f(n: int): ...\n",
    )
    load(["shop.tasks"])

    assert "shop.stores.Shop.f" == resolve("shop.stores.Shop.f").name


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "builtins.exec",
        "other.tasks.f",
        "shop.tasks.plain",
        "shop.tasks.task",
        "shop.tasks.missing",
        "shop.missing.f",
        "shop.tasks.f.__class__",
        "shop.tasks.f.function",
        "shop",
        "shop.",
        ".shop.tasks.f",
        "shop..tasks.f",
        "shop.tasks f",
        "shop.\0.f",
        "",
    ],
)
def test_nothing_but_a_task_of_the_loaded_packages_is_resolved(name, project):
    project(shop__tasks=TASK, other__tasks="raise AssertionError('imported')")
    load(["shop.tasks"])

    with pytest.raises(UnknownTask):
        resolve(name)

    assert "other.tasks" not in sys.modules


@pytest.mark.parametrize("name", ["shop.tasks.ff", "old.place.f"])
def test_an_unknown_name_comes_with_a_suggestion(name, project):
    project(shop__tasks=TASK)
    load(["shop.tasks"])

    with pytest.raises(UnknownTask, match=r"Did you mean 'shop\.tasks\.f'\?"):
        resolve(name)


@pytest.mark.parametrize("module", ["shop.missing", "missing", "missing.tasks", "shop/tasks.py"])
def test_a_module_that_does_not_exist_is_an_error_of_its_own(module, project):
    project(shop__tasks=TASK)

    with pytest.raises(TaskModuleNotFound):
        load([module])


def test_a_path_to_a_file_is_answered_with_its_module(project):
    with pytest.raises(TaskModuleNotFound, match=r"did you mean 'shop\.tasks'\?"):
        load(["./shop/tasks.py"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import nonexistent_library", "No module named 'nonexistent_library'"),
        ("def f(:", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("class Skipped(BaseException): ...\nraise Skipped('not here')", "Skipped: not here"),
        ("from pgqueue import task\n@task(qeue='x')\ndef f(): ...", "Did you mean 'queue'"),
    ],
)
def test_the_error_of_a_broken_module_has_the_last_line_of_its_traceback(text, reason, project):
    project(shop__tasks=text)

    with pytest.raises(TaskModuleBroken) as caught:
        load(["shop.tasks"])

    assert reason in caught.value.reason
    assert caught.value.__cause__ is not None


def test_a_person_may_end_the_loading(project):
    project(shop__tasks="raise KeyboardInterrupt")

    with pytest.raises(KeyboardInterrupt):
        load(["shop.tasks"])


@pytest.mark.parametrize("kind", [JobTimeout, JobCancelled, JobInterrupted])
def test_an_exception_from_outside_does_not_make_a_module_broken(kind, project):
    project(
        shop__tasks="", shop__late=f"from pgqueue import {kind.__name__}\nraise {kind.__name__}"
    )
    load(["shop.tasks"])

    for _ in range(2):
        with pytest.raises(kind):
            resolve("shop.late.f")


@pytest.mark.parametrize("kind", [JobTimeout, JobCancelled, JobInterrupted])
def test_a_module_that_raises_such_an_exception_at_the_start_is_broken(kind, project):
    project(shop__tasks=f"from pgqueue import {kind.__name__}\nraise {kind.__name__}('mine')")

    with pytest.raises(TaskModuleBroken, match=f"{kind.__name__}: mine"):
        load(["shop.tasks"])


def test_a_broken_module_is_run_once_for_all_the_names_in_it(project):
    project(
        shop__tasks="runs = []",
        shop__late="import shop.tasks\nshop.tasks.runs.append(1)\n1 / 0",
    )
    load(["shop.tasks"])

    for name in ("shop.late.f", "shop.late.g", "shop.late.deep.f", "shop.late.deep.er.f"):
        with pytest.raises(TaskModuleBroken, match=r"'shop\.late' raised .* division by zero"):
            resolve(name)

    assert [1] == sys.modules["shop.tasks"].runs


@pytest.mark.parametrize(
    ("name", "would_import"),
    [
        ("shop.mail.send.f", True),
        ("shop.mail.send.Class.f", True),
        ("shop.missing.f", True),
        ("shop.tasks.f", False),
        ("shop.tasks.missing", False),
        ("shop.tasks.Class.f", False),
        ("shop.broken.f", False),
        ("shop.f", False),
        ("other.tasks.f", False),
        ("shop.__main__.f", False),
        ("shop", False),
        ("", False),
    ],
)
def test_may_import_says_whether_a_module_would_be_imported(name, would_import, project):
    project(shop__tasks=TASK, shop__mail__send=TASK, shop__broken="1 / 0", other__tasks=TASK)
    load(["shop.tasks"])
    with pytest.raises(TaskModuleBroken):
        resolve("shop.broken.other")
    before = set(sys.modules)

    assert would_import == may_import(name)

    assert before == set(sys.modules)


@pytest.mark.parametrize(
    ("end", "error"), [("1 / 0", TaskModuleBroken), ("raise JobTimeout", JobTimeout)]
)
def test_a_task_of_a_module_whose_import_failed_is_not_found(end, error, project):
    project(
        shop__tasks="",
        shop__late=f"import shop.whole\nfrom pgqueue import JobTimeout\n{TASK}\n{end}",
        shop__whole=TASK,
    )
    load(["shop.tasks"])

    for _ in range(2):
        with pytest.raises(error):
            resolve("shop.late.f")

    assert [] == [task.name for task in load([]) if task.name != "shop.whole.f"]
    assert "shop.whole.f" == resolve("shop.whole.f").name


def test_a_task_of_an_optional_module_whose_import_failed_is_not_found(project):
    project(
        shop__tasks="try:\n    import shop.optional\nexcept ImportError:\n    pass",
        shop__optional=f"{TASK}\nimport shop.nowhere",
    )

    tasks = load(["shop.tasks"])

    assert [] == tasks
    with pytest.raises(TaskModuleBroken, match=r"shop\.nowhere"):
        resolve("shop.optional.f")


def test_a_module_whose_import_failed_keeps_no_name(project):
    named = "from pgqueue import task\n\n@task(name='render')\ndef f(): ...\n"
    project(
        shop__tasks="try:\n    import shop.fast\nexcept ImportError:\n    import shop.slow",
        shop__fast=f"{named}\nimport shop.nowhere",
        shop__slow=named,
    )

    load(["shop.tasks"])

    assert "shop.slow.f" == resolve("render").path


def test_a_module_that_puts_another_object_in_its_place_keeps_its_tasks(project):
    project(
        shop__tasks=f"import sys, types\n{TASK}\n"
        "other = types.ModuleType(__name__)\nother.__dict__.update(globals())\n"
        "sys.modules[__name__] = other"
    )

    tasks = load(["shop.tasks"])

    assert ["shop.tasks.f"] == [task.name for task in tasks]
    assert "shop.tasks.f" == resolve("shop.tasks.f").name


def test_threads_that_wait_for_a_module_which_breaks_do_not_run_it_again(project):
    project(
        shop__tasks="import threading\nruns, go_on = [], threading.Event()",
        shop__late="from shop.tasks import runs, go_on\nruns.append(1)\ngo_on.wait()\n1 / 0",
    )
    load(["shop.tasks"])
    steps = sys.modules["shop.tasks"]
    reasons = []

    def resolve_late():
        try:
            resolve("shop.late.f")
        except TaskModuleBroken as broken:
            reasons.append(broken.reason)

    threads = [threading.Thread(target=resolve_late) for _ in range(5)]
    for thread in threads:
        thread.start()
    while 5 > len(loading.LOADER.importing):
        pass
    steps.go_on.set()
    for thread in threads:
        thread.join()

    assert ["ZeroDivisionError: division by zero"] * 5 == reasons
    assert [1] == steps.runs


def test_resolve_waits_for_a_module_that_another_thread_imports(project):
    project(
        shop__tasks="import threading\nregistered, go_on = threading.Event(), threading.Event()",
        shop__late="from shop.tasks import registered, go_on\n"
        + TASK.replace("@task", "@task(name=chr(102))")
        + "registered.set()\ngo_on.wait()\nwhole = True",
    )
    load(["shop.tasks"])
    steps = sys.modules["shop.tasks"]
    resolved = []
    first = threading.Thread(target=importlib.import_module, args=["shop.late"])
    second = threading.Thread(
        target=lambda: resolved.append((resolve("f").name, sys.modules["shop.late"].whole))
    )
    first.start()
    steps.registered.wait()

    is_left_for_later = may_import("f")
    second.start()
    steps.go_on.set()
    second.join()
    first.join()

    assert is_left_for_later
    assert [("f", True)] == resolved
    assert not may_import("f")


def test_a_half_imported_module_counts_as_not_imported(project):
    project(
        shop__tasks="",
        shop__late="from pgqueue.tasks import loading\n"
        "is_left = loading.may_import('shop.late.f')\n" + TASK,
    )
    load(["shop.tasks"])

    resolve("shop.late.f")

    assert sys.modules["shop.late"].is_left
    assert not may_import("shop.late.f")
