"""The revisions of the schema, as in the folder of migrations.

The migrations come from the installed package, else from the checkout beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Literal

from alembic.script import ScriptDirectory


@dataclass(frozen=True, slots=True)
class Revision:
    """One step of the schema: its id, the first line of its docstring, and its time.

    `deploy` is `before` when older releases still work with the revision, so that it can be applied
    while they run; `after` when it removes something that older releases use.
    """

    id: str
    title: str
    deploy: Literal["before", "after"]


def folder() -> Path:
    """Return the folder of the migrations, in the wheel or in the checkout."""
    package = Path(__file__).parents[1]
    for path in (package / "migrations", package.parent / "migrations"):
        if path.joinpath("env.py").is_file():
            return path
    raise FileNotFoundError(f"{package} has no migrations. Install pgqueue from its wheel again.")


def line(scripts: ScriptDirectory, until: str = "head") -> list[Revision]:
    """All revisions up to *until*, oldest first."""
    steps = [*scripts.walk_revisions("base", until)][::-1]
    return [Revision(step.revision, step.doc, step.module.deploy) for step in steps]


def served(revisions: Sequence[Revision]) -> list[str]:
    """The releases that work after these revisions, each by the newest revision that it needs.

    Raises:
        ValueError: A revision for after a deploy follows none for before it. The release that
            needs it could not be distinguished from the older releases that it ends.
    """
    needed: list[str] = []
    has_own = False
    for revision in revisions:
        if revision.deploy == "after" and not has_own:
            raise ValueError(
                f"in front of revision {revision.id} one for before the deploy is missing"
            )
        has_own = revision.deploy == "before"
        needed = [*needed, revision.id] if has_own else needed[-1:]
    return needed


def before_deploy(revisions: Sequence[Revision]) -> list[Revision]:
    """The revisions before the first one that must wait until older releases have ended."""
    return list(takewhile(lambda revision: revision.deploy == "before", revisions))
