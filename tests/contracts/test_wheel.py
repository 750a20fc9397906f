"""The built wheel, installed in a new environment."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_installed_wheel_has_the_migrations_and_finds_them(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", tmp_path, ROOT],
        check=True,
        capture_output=True,
    )
    [wheel] = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    home = tmp_path / "venv"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    # The libraries come from this environment; only pgqueue comes from the wheel.
    libraries = next(path for path in sys.path if path.endswith("site-packages"))
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True, capture_output=True)

    environment = {**os.environ, "PYTHONPATH": libraries}
    code = (
        "import sys; paths = [p for p in sys.path if 'venv' in p and p.endswith('site-packages')];"
        "sys.path[:0] = paths; import pgqueue; print(pgqueue.__file__);"
        "from pgqueue.cli.app import main; sys.exit(main(['migrate', '--sql']))"
    )
    result = subprocess.run(
        [python, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )

    assert {"pgqueue/migrations/env.py", "pgqueue/store/sql/claim.sql", "pgqueue/py.typed"} <= names
    assert 0 == result.returncode, result.stderr
    assert str(home) in result.stdout
    assert "create table" in result.stdout
