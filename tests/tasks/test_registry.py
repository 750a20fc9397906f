"""The registry: one function for each name, and a reload in place."""

import importlib
import sys

import pytest

from pgqueue import InvalidTask, task
from pgqueue.tasks import loading
from pgqueue.tasks.registry import REGISTRY


def first(): ...


def second(): ...


@pytest.mark.parametrize(
    "options", [{"name": "shop"}, {"name": "other", "aliases": ["shop"]}, {"name": "old"}]
)
def test_two_functions_never_answer_to_one_name(options):
    task(name="shop", aliases=["old"])(first)

    with pytest.raises(InvalidTask, match=r"first answers to '(shop|old)' already"):
        task(**options)(second)


def test_a_reload_replaces_a_task_with_all_its_names():
    task(name="shop", aliases=["old"])(first)

    again = task(name="shop", aliases=["older"])(first)

    assert ["older", "shop"] == REGISTRY.names()
    assert [again] == REGISTRY.tasks()


def test_a_function_may_be_several_tasks_by_name():
    made = [task(name=name, aliases=[f"old_{name}"])(first) for name in ("one", "two", "three")]
    bare = task(first)

    assert [REGISTRY.find(name) for name in ("one", "two", "three")] == made
    assert [REGISTRY.find(f"old_{name}") for name in ("one", "two", "three")] == made
    assert bare is REGISTRY.find(f"{__name__}.first")
    assert {*made, bare} == set(REGISTRY.tasks())


def test_each_function_of_a_factory_keeps_its_name():
    def make(shop):
        @task(name=f"sync_{shop}")
        def sync():
            return shop

        return sync

    for shop in ("north", "south"):
        make(shop)

    assert "north" == REGISTRY.find("sync_north")()
    assert "south" == REGISTRY.find("sync_south")()


def test_two_tasks_of_one_function_never_share_a_name():
    one = task(name="one", aliases=["old"])(first)

    with pytest.raises(InvalidTask, match="'one', of this function too, answers to 'old' already"):
        task(name="two", aliases=["old"])(first)

    assert one is REGISTRY.find("old")
    assert REGISTRY.find("two") is None


def test_a_reload_may_make_the_former_name_an_alias(project):
    project(shop="import pgqueue\n\n@pgqueue.task(name='old')\ndef sync(): return 1\n")
    loading.load(["shop"])
    shop = sys.modules["shop"]
    project(
        shop="import pgqueue\n\n@pgqueue.task(name='new', aliases=['old'])\ndef sync(): return 2\n"
    )

    importlib.reload(shop)

    assert ["new", "old"] == REGISTRY.names()
    assert [shop.sync] == REGISTRY.tasks()
