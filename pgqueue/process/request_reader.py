"""Reads the requests to a supervisor's workers, on the dispatcher's connection."""

from collections.abc import Callable, Collection, Sequence

from pgqueue.store import requests
from pgqueue.store.connection.link import Link
from pgqueue.store.requests import Request
from pgqueue.store.statement import run


class RequestReader:
    """Reads open requests, and closes the ones that no worker can answer.

    Args:
        on_requests: Gets the open requests to workers that still run the attempt.
    """

    def __init__(
        self, supervisor_id: int, on_requests: Callable[[Sequence[Request]], None]
    ) -> None:
        self._supervisor_id = supervisor_id
        self._on_requests = on_requests

    def read(self, link: Link) -> None:
        """Read the requests that are open now."""
        with link.short_timeout():
            rows = run(link, requests.open_requests(self._supervisor_id))
        if over := [request.id for request in rows if not request.is_running]:
            run(link, requests.close_requests(over))
        if running := [request for request in rows if request.is_running]:
            self._on_requests(running)

    def notify_others(self, link: Link) -> None:
        """Notify the other supervisors whose workers have open requests."""
        run(link, requests.notify_others(self._supervisor_id))

    def read_if_notified(self, link: Link, payloads: Collection[str]) -> None:
        """Read the requests if one of these notifications says that there are some."""
        if requests.NOTIFICATION in payloads:
            self.read(link)
