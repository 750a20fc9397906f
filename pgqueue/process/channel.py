"""The line between a supervisor and one child: JSON objects, one a line, over a socket pair.

Both ends use it; the verbs are listed here and nowhere else. The end of file is a message
too: it says that the other side is gone.

    to the child     config · wake (queues) · filled (queues) · cancel (jobs) · unknown (tasks) ·
                     stop (grace_seconds)
    to the parent    ready (executors) · unknown (tasks) · executors (executors) ·
                     refused (message, exit_code) · outgrown (message)
"""

import json
import select
import socket
import threading
from collections.abc import Iterable
from typing import Any

_READ_BYTES = 65536


class Channel:
    """One end of the line. Sending may happen on any thread, receiving on one.

    Args:
        end: A connected stream socket; the channel owns it.
    """

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._sending = threading.Lock()
        self._read = b""
        self._unsent = b""
        self._put_back: list[dict[str, Any]] = []

    @classmethod
    def pair(cls) -> "tuple[Channel, socket.socket]":
        """Our end as a channel, and the socket to hand to the child."""
        ours, theirs = socket.socketpair()
        return cls(ours), theirs

    def fileno(self) -> int:
        """For selectors."""
        return self._socket.fileno()

    def send(self, verb: str, **facts: Any) -> bool:
        """Send one message; False when the other side is gone."""
        line = json.dumps({"verb": verb, **facts}).encode() + b"\n"
        try:
            with self._sending:
                self._socket.sendall(self._unsent + line)
                self._unsent = b""
        except OSError:
            return False
        return True

    def try_send(self, verb: str, **facts: Any) -> bool:
        """Send one message without ever waiting; False when it cannot go out now.

        For hints that are repeated anyway: a stuck child must not stop its supervisor.
        """
        if not self._sending.acquire(blocking=False):
            return False
        try:
            if not self._unsent:
                self._unsent = json.dumps({"verb": verb, **facts}).encode() + b"\n"
                verb = ""
            # A line that went out in part is finished first: its rest cannot be dropped.
            self._unsent = self._unsent[self._socket.send(self._unsent, socket.MSG_DONTWAIT) :]
        except OSError:
            return False
        finally:
            self._sending.release()
        return not verb and not self._unsent

    def receive(self, *, wait: bool = True) -> list[dict[str, Any]] | None:
        """What has arrived, perhaps nothing whole yet; None when the other side is gone.

        Args:
            wait: Wait until something arrives; False to look only.
        """
        if self._put_back:
            messages, self._put_back = self._put_back, []
            return messages
        try:
            # Not by a flag of recv(): under gevent that waits all the same.
            if not wait and not self._has_arrived():
                return []
            arrived = self._socket.recv(_READ_BYTES)
        except OSError:
            return None
        if not arrived:
            return None
        *lines, self._read = (self._read + arrived).split(b"\n")
        return [json.loads(line) for line in lines]

    def _has_arrived(self) -> bool:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(0))

    def put_back(self, messages: Iterable[dict[str, Any]]) -> None:
        """Receive these first, the next time."""
        self._put_back += messages

    def close(self) -> None:
        """Close this end; the other side reads the end of file."""
        self._socket.close()
