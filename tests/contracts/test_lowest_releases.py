"""Each dependency has a lowest release, which `make test-lowest` installs."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_dependency_has_a_lowest_release_and_no_other_bound() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    constraints = subprocess.run(
        [sys.executable, ROOT / ".ci/lowest-releases"], capture_output=True, text=True, check=True
    ).stdout.splitlines()

    assert len(project["dependencies"]) == len(constraints)
    assert "psycopg==3.3.6" in constraints
