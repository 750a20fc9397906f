"""The pause before the next try, after failures in a row."""

import random

_SECONDS = 0.1
_SECONDS_MAX = 10.0
_DOUBLINGS_MAX = 10


def backoff_seconds(failures: int) -> float:
    """The seconds to wait after so many failures in a row: doubling, jittered, 10 at most."""
    pause = min(_SECONDS_MAX, _SECONDS * 2.0 ** min(failures, _DOUBLINGS_MAX))
    return pause * random.uniform(0.5, 1.0)
