"""The monotonic clock of the whole process, set by a test."""

import time

import pytest


class Now:
    """Replaces `time.monotonic`; it stands still until the test changes `seconds`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 1_000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.seconds)
