"""No signal is lost while a supervisor begins to listen to them."""

import os
import signal
from contextlib import suppress
from typing import Any

import pytest

from pgqueue.process import signals
from pgqueue.process.signals import Signals


def test_a_signal_between_a_handler_and_the_rest_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    install, sent = signal.signal, []

    def install_and_send(number: int, handler: Any) -> Any:
        before = install(number, handler)
        if handler is signals._noted and number in signals.STOP:
            sent.append(number)
            os.kill(os.getpid(), number)
        return before

    monkeypatch.setattr(signal, "signal", install_and_send)
    with Signals() as entered:
        heard = entered.stops()

    assert len(sent) == heard > 0


def test_a_signal_that_could_not_end_the_process_is_heard_later() -> None:
    with signals.ending():
        with suppress(SystemExit):  # as Python does in a finalizer
            os.kill(os.getpid(), signal.SIGTERM)
        with Signals() as entered:
            heard = entered.stops()
        with Signals() as entered:
            heard_again = entered.stops()

    assert (1, 0) == (heard, heard_again)
