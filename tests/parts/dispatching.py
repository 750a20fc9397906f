"""Dispatchers that a test drives turn by turn."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from registering import identity, supervisor

from pgqueue.process.dispatcher import Dispatcher
from pgqueue.process.request_reader import RequestReader
from pgqueue.store.connection.database import Database


@contextmanager
def dispatchers(url: str) -> Iterator[Callable[..., Dispatcher]]:
    """Makes dispatchers of one database, and closes them afterwards."""
    with ExitStack() as stack:

        def make(**options: Any) -> Dispatcher:
            arguments = {
                "poll_seconds": 60.0,
                "on_ready": lambda ready, count: None,
                **options,
            }
            queues = arguments.pop("queues", ["default"])
            arguments.setdefault("identity", identity(*queues))
            if "supervisor_id" not in arguments:
                link = Database(url).open()
                arguments["supervisor_id"] = supervisor(link, *queues)
                link.close()
            on_requests = arguments.pop("on_requests", lambda requests: None)
            arguments["request_reader"] = RequestReader(arguments["supervisor_id"], on_requests)
            dispatcher = Dispatcher(Database(url), **arguments)
            stack.callback(dispatcher.close)
            return dispatcher

        yield make
