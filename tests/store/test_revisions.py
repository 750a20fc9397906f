"""Which releases work with a schema, told by the marks of its revisions."""

from typing import Any

import pytest

from pgqueue.store.revisions import Revision, before_deploy, served


def _line(*marks: Any) -> list[Revision]:
    return [Revision(f"{n:04}", "", mark) for n, mark in enumerate(marks, 1)]


@pytest.mark.parametrize(
    ("marks", "needed"),
    [
        (["before"], ["0001"]),
        (["before", "before"], ["0001", "0002"]),
        (["before", "before", "after"], ["0002"]),
        (["before", "before", "after", "before"], ["0002", "0004"]),
        (["before", "after", "after"], ["0001"]),
    ],
)
def test_an_after_revision_ends_all_but_the_newest_release(
    marks: list[str], needed: list[str]
) -> None:
    assert needed == served(_line(*marks))


def test_what_comes_behind_an_after_revision_waits_with_it() -> None:
    line = _line("before", "before", "after", "before")

    assert line[:2] == before_deploy(line)
    assert line[:2] == before_deploy(line[:2])
    assert [] == before_deploy(line[2:])
