"""What `python -m house` runs, and no row may."""

import os
from pathlib import Path

Path(os.environ["PGQUEUE_BOMB"]).touch()
