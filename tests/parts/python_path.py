"""The module path of a process that a test starts."""

import os
from pathlib import Path


def python_path(folder: Path) -> str:
    """The value of PYTHONPATH: *folder*, then the current value."""
    return os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
