"""The registry: one function for each name, and a reload in place."""

import pytest

from pgqueue import InvalidTask, task
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
