"""The program of `python -m shop`, which no row may run."""

import os
from pathlib import Path

Path(os.environ["PGQUEUE_BOMB"]).touch()
