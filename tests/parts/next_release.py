"""A release after this one: the same code, with two more revisions of the schema."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

from python_path import python_path

from pgqueue.store import schema_version

ROOT: Final = Path(__file__).parents[2]
IS, NEEDED, AFTER = schema_version.REVISIONS[-1], "8001", "8002"

_SECONDS_MAX: Final = 120

_BEFORE: Final = f'''"""Jobs may have a note."""

from alembic import op
from pgqueue.store.schema_name import Schema

revision = "{NEEDED}"
down_revision = "{IS}"
deploy = "before"


def upgrade() -> None:
    schema = Schema(op.get_context().opts["pgqueue_schema"])
    op.execute(schema.qualify("alter table pgqueue.jobs add column note text"))
    op.execute(schema.qualify("create index jobs_note on pgqueue.jobs (note)"))


def downgrade() -> None:
    schema = Schema(op.get_context().opts["pgqueue_schema"])
    op.execute(schema.qualify("alter table pgqueue.jobs drop column note"))
'''

_AFTER: Final = f'''"""The view failure_groups is gone."""

from alembic import op
from pgqueue.store.schema_name import Schema

revision = "{AFTER}"
down_revision = "{NEEDED}"
deploy = "after"


def upgrade() -> None:
    schema = Schema(op.get_context().opts["pgqueue_schema"])
    op.execute(schema.qualify("drop view pgqueue.failure_groups"))


def downgrade() -> None:
    raise NotImplementedError
'''


class Ran(NamedTuple):
    """The result of a command."""

    code: int
    out: str
    err: str


class Release:
    """A release whose commands can be run.

    Args:
        folder: The folder of its package and migrations, the first one on the path.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = python_path(folder)

    def start(self, url: str, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        """A process of one of its commands on a database."""
        return subprocess.Popen(
            [sys.executable, "-m", "pgqueue", *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": self.path, "PGQUEUE_URL": url, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, url: str, *arguments: str, **environment: str) -> Ran:
        """The result of one of its commands on a database."""
        process = self.start(url, *arguments, **environment)
        out, err = process.communicate(timeout=_SECONDS_MAX)
        return Ran(process.returncode, out, err)


def this_release() -> Release:
    """The release of this checkout."""
    return Release(ROOT)


def next_release(folder: Path) -> Release:
    """The release after this one, created in an empty folder."""
    for name in ("pgqueue", "migrations"):
        # With its bytecode, which is valid for every file that stays as it is. A file such as
        # `clock.cpython-311.pyc.139` is being written, and may be gone before it is copied.
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.pyc.*"))
    versions = folder / "migrations" / "versions"
    versions.joinpath(f"{NEEDED}_note.py").write_text(_BEFORE)
    versions.joinpath(f"{AFTER}_groups.py").write_text(_AFTER)
    module = folder / "pgqueue" / "store" / "schema_version.py"
    text = module.read_text()
    known = ", ".join(f'"{revision}"' for revision in (*schema_version.REVISIONS, NEEDED, AFTER))
    for start, replacement in (
        ("REVISIONS: Final = (", f"REVISIONS: Final = ({known})  # "),
        ("NEEDED: Final = ", f'NEEDED: Final = "{NEEDED}"  # '),
    ):
        assert text.count(start) == 1
        text = text.replace(start, replacement)
    module.write_text(text)
    return Release(folder)
