"""A module that no worker was told: importing it is the harm."""

import os
from pathlib import Path

Path(os.environ["PGQUEUE_BOMB"]).touch()


def explode() -> None:
    """Do what the import did already."""
