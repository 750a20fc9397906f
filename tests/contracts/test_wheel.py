"""The wheel, as it is built and installed."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_wheel_brings_the_migrations_and_finds_them_when_installed(tmp_path: Path) -> None:
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
    # The libraries are those of this environment; only pgqueue itself comes from the wheel.
    libraries = next(path for path in sys.path if path.endswith("site-packages"))
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True, capture_output=True)

    environment = {**os.environ, "PYTHONPATH": libraries}
    code = (
        "import sys; here = [p for p in sys.path if 'venv' in p and p.endswith('site-packages')];"
        "sys.path[:0] = here; import pgqueue; print(pgqueue.__file__);"
        "from pgqueue.cli.app import main; sys.exit(main(['migrate', '--sql']))"
    )
    done = subprocess.run(
        [python, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )

    assert {"pgqueue/migrations/env.py", "pgqueue/store/sql/claim.sql", "pgqueue/py.typed"} <= names
    assert 0 == done.returncode, done.stderr
    assert str(home) in done.stdout
    assert "create table" in done.stdout
