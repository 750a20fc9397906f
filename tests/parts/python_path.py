"""Where a process that a test starts finds its modules."""

import os
from pathlib import Path


def python_path(folder: Path) -> str:
    """The variable PYTHONPATH: *folder*, and behind it what ours has."""
    return os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
