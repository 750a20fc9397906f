"""A pattern takes the queues that its name says, and no others."""

from pathlib import Path

import pytest

import pgqueue
from pgqueue.core.queue_pattern import (
    claims_by_name,
    in_pattern_order,
    is_prefix,
    matches_any,
    split_patterns,
)


@pytest.mark.parametrize(
    "pattern, queue, is_match",
    [
        ("mail", "mail", True),
        ("mail", "mail/slow", False),
        ("mail", "mailing", False),
        ("mail/", "mail/", True),
        ("mail/", "mail/slow", True),
        ("mail/", "mail/slow/eu", True),
        ("mail/", "mail", False),
        ("mail/", "mailing", False),
        ("/", "/mail", True),
        ("/", "mail", False),
    ],
)
def test_a_pattern_takes_its_queue_or_its_sub_queues(
    pattern: str, queue: str, is_match: bool
) -> None:
    assert is_match == matches_any([pattern], queue) == matches_any(["other", pattern], queue)


def test_one_module_has_the_rules_of_patterns() -> None:
    package = Path(pgqueue.__file__).parent

    copies = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if 'endswith("/")' in path.read_text()
    ]

    assert [] == copies


def test_patterns_are_split_into_names_and_prefixes_in_their_order() -> None:
    assert (["b", "a"], ["mail/", "image/"]) == split_patterns(["b", "mail/", "a", "image/"])
    assert ([], []) == split_patterns([])


def test_queues_stand_in_the_order_of_the_patterns_each_once() -> None:
    patterns = ["urgent", "mail/", "default", "mail/fast"]

    ordered = in_pattern_order(patterns, {"default", "mail/slow", "mail/fast", "urgent", "other"})

    assert ["urgent", "mail/fast", "mail/slow", "default"] == ordered


@pytest.mark.parametrize(
    "patterns, is_by_name",
    [
        (["default"], False),
        ([f"q{n}" for n in range(32)], False),
        ([f"q{n}" for n in range(33)], True),
        (["default", "mail/"], True),
    ],
    ids=["one", "32", "33", "a prefix"],
)
def test_workers_claim_by_name_from_many_queues_and_from_prefixes(
    patterns: list[str], is_by_name: bool
) -> None:
    assert is_by_name == claims_by_name(patterns)


def test_only_a_trailing_slash_makes_a_prefix() -> None:
    assert (True, False, False) == (is_prefix("mail/"), is_prefix("mail/slow"), is_prefix("mail"))
