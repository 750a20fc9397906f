"""The channel between a supervisor and one child: JSON objects, one a line, over a socket pair.

Both ends use this module, and no other place lists the verbs. The end of file is a message too: the
other side has ended.

    to the child     config · claim (queues) · queues_ready (queues) · cancel (jobs) ·
                     unknown (tasks) · stop (grace_seconds)
    to the parent    ready (executors) · unknown (tasks) · executors (executors) ·
                     refused (message, exit_code) · schema_too_new (message) ·
                     counters (busy_slots, run_seconds, claimed, succeeded, failed)
"""

import json
import os
import select
import socket
import threading
from collections.abc import Iterable
from typing import Any

from pgqueue.core.descriptors import replace_by_null

_READ_BYTES = 65536

# Longer than every message, such as a claim with the names of all queues.
_LINE_BYTES_MAX = 64 * 1024 * 1024

# The beginning of a bad line, for a person.
_SHOWN_BYTES = 100


class Channel:
    """One end of the channel. Any thread may send; one thread receives.

    Args:
        end: A connected stream socket; the channel owns it.
    """

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._sending = threading.Lock()
        self._read = b""  # written by the receiving thread
        self._unsent = b""  # written under the lock
        self._pushed_back: list[dict[str, Any]] = []  # written by the receiving thread

    @classmethod
    def pair(cls) -> "tuple[Channel, socket.socket]":
        """The parent's end as a channel, and the socket to pass to the child."""
        ours, theirs = socket.socketpair()
        # The program may have set a default timeout, or patched sockets for gevent: both make the
        # descriptor non-blocking, and the child would read its first message as the end of file.
        ours.settimeout(None)
        os.set_blocking(theirs.fileno(), True)
        return cls(ours), theirs

    def fileno(self) -> int:
        """The file descriptor, for selectors."""
        return self._socket.fileno()

    def send(self, verb: str, **fields: Any) -> bool:
        """Send one message; False when the other side has ended."""
        line = json.dumps({"verb": verb, **fields}).encode() + b"\n"
        try:
            with self._sending:
                self._socket.sendall(self._unsent + line)
                self._unsent = b""
        except OSError:
            return False
        return True

    def try_send(self, verb: str, **fields: Any) -> bool:
        """Send one message without ever waiting; False when it cannot be sent now.

        For messages that are repeated anyway: a stuck child must not block its supervisor, nor a
        stuck supervisor its child.
        """
        if not self._sending.acquire(blocking=False):
            return False
        try:
            # MSG_DONTWAIT alone is not enough: under gevent send() waits all the same.
            if not self._is_ready(select.POLLOUT):
                return False
            if not self._unsent:
                self._unsent = json.dumps({"verb": verb, **fields}).encode() + b"\n"
                verb = ""
            # A line that was sent in part is finished first: its rest must not be dropped.
            self._unsent = self._unsent[self._socket.send(self._unsent, socket.MSG_DONTWAIT) :]
        except OSError:
            return False
        finally:
            self._sending.release()
        return not verb and not self._unsent

    def receive(self, *, wait: bool = True) -> list[dict[str, Any]] | None:
        """The messages that have arrived, perhaps none; None when the other side has ended.

        Args:
            wait: Wait until something arrives; False to return at once.

        Raises:
            ValueError: A line is no message, because something else has written to the socket.
        """
        if self._pushed_back:
            messages, self._pushed_back = self._pushed_back, []
            return messages
        try:
            # Not by a flag of recv(): under gevent that waits all the same.
            if not wait and not self._is_ready(select.POLLIN):
                return []
            arrived = self._socket.recv(_READ_BYTES)
        except OSError:
            return None
        if not arrived:
            return None
        *lines, self._read = (self._read + arrived).split(b"\n")
        if len(self._read) > _LINE_BYTES_MAX:
            raise _no_message(self._read)
        return [_parse(line) for line in lines]

    def _is_ready(self, event: int) -> bool:
        poll = select.poll()
        poll.register(self._socket, event)
        return bool(poll.poll(0))

    def push_back(self, messages: Iterable[dict[str, Any]]) -> None:
        """Let the next `receive` return these messages first."""
        self._pushed_back += messages

    def abandon(self) -> None:
        """Release the socket in a fork; the process that forked goes on with it."""
        replace_by_null(self._socket.fileno())

    def close(self) -> None:
        """Close this end; the other side reads the end of file."""
        self._socket.close()


def _parse(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise _no_message(line) from None
    if not isinstance(message, dict) or not isinstance(message.get("verb"), str):
        raise _no_message(line)
    return message


def _no_message(line: bytes) -> ValueError:
    return ValueError(f"the channel got a line that is no message: {line[:_SHOWN_BYTES]!r}")
