"""No signal is lost while a supervisor begins to catch them."""

import os
import signal
from contextlib import suppress
from typing import Any

import pytest

from pgqueue.process import signals
from pgqueue.process.signals import Signals


def test_a_signal_that_comes_while_the_handlers_are_set_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_handler, sent = signal.signal, []

    def set_handler_and_send(number: int, handler: Any) -> Any:
        before = set_handler(number, handler)
        if number in signals.STOP and number not in sent:
            sent.append(number)
            os.kill(os.getpid(), number)
        return before

    monkeypatch.setattr(signal, "signal", set_handler_and_send)
    with Signals() as entered:
        stop_count = entered.read_stop_count()

    assert len(sent) == stop_count > 0


def test_a_signal_that_could_not_end_the_process_is_counted_later() -> None:
    with signals.exit_on_stop():
        with suppress(SystemExit):  # as Python does in a finalizer
            os.kill(os.getpid(), signal.SIGTERM)
        with Signals() as entered:
            stop_count = entered.read_stop_count()
        with Signals() as entered:
            next_stop_count = entered.read_stop_count()

    assert (1, 0) == (stop_count, next_stop_count)
