"""A module that no worker loads: its import is the harm."""

import os
from pathlib import Path

Path(os.environ["PGQUEUE_BOMB"]).touch()


def explode() -> None:
    """Do nothing beyond the import."""
