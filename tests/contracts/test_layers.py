"""The layers of the packages, and the one package that each outside library belongs to."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_package_imports_only_from_the_layers_below_it() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]

    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert 0 == result.returncode, result.stdout + result.stderr
