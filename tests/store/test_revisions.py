"""The marks of the revisions decide which releases work with a schema."""

from typing import Any

import pytest
from alembic.script import ScriptDirectory

from pgqueue.schema.revisions import Revision, before_deploy, folder, line, served
from pgqueue.store import schema_version


def _line(*marks: Any) -> list[Revision]:
    return [Revision(f"{n:04}", "", mark) for n, mark in enumerate(marks, 1)]


@pytest.mark.parametrize(
    ("marks", "needed"),
    [
        (["before"], ["0001"]),
        (["before", "before"], ["0001", "0002"]),
        (["before", "before", "after"], ["0002"]),
        (["before", "before", "after", "before"], ["0002", "0004"]),
        (["before", "after", "before", "after"], ["0003"]),
    ],
)
def test_an_after_revision_ends_all_but_the_newest_release(
    marks: list[str], needed: list[str]
) -> None:
    assert needed == served(_line(*marks))


@pytest.mark.parametrize("marks", [["after"], ["before", "after", "after"]])
def test_an_after_revision_without_a_before_revision_of_its_own_is_an_error(
    marks: list[str],
) -> None:
    with pytest.raises(ValueError, match=f"in front of revision {len(marks):04}"):
        served(_line(*marks))


def test_our_own_revisions_serve_this_release() -> None:
    scripts = ScriptDirectory(str(folder()))

    assert schema_version.NEEDED in served(line(scripts))


def test_a_revision_behind_an_after_revision_waits_with_it() -> None:
    line = _line("before", "before", "after", "before")

    assert line[:2] == before_deploy(line)
    assert line[:2] == before_deploy(line[:2])
    assert [] == before_deploy(line[2:])
