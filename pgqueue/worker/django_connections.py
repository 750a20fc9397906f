"""Django's database connections at the border of a job.

Django checks and closes its connections where a request begins and ends. A worker has no requests,
so that a connection that broke once would fail each later job of its slot. A worker without Django
pays one look-up in `sys.modules` for it.
"""

import os
import sys
from collections.abc import Callable
from typing import Any, Final

from pgqueue.core.own_logger import own_logger

DJANGO: Final = "django.db"
"""The module in `sys.modules` that says that there may be connections."""

Tidy = Callable[[], None]

log = own_logger("pgqueue.job")


def tidy() -> None:
    """Close what is broken or too old, drop open transactions, and forget logged queries."""
    connections = _connections()
    if connections is None:
        return
    for connection in connections.all(initialized_only=True):
        try:
            connection.queries_log.clear()
            if connection.in_atomic_block:
                # Only a new object works again: this one waits for the end of its block.
                del connections[connection.alias]
                connection.close()
            else:
                connection.close_if_unusable_or_obsolete()
        except Exception:
            log.warning("connection not closed", extra={"alias": connection.alias}, exc_info=True)


def tidy_for_coroutines() -> None:
    """Tidy the connections that coroutines use; returns at once.

    Django's asynchronous calls run on one thread, in their order. So this runs there behind the
    queries of the job that ended, and before those of the job that begins.
    """
    if _connections() is not None:
        sys.modules["asgiref.sync"].SyncToAsync.single_thread_executor.submit(tidy)
        if os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE"):
            tidy()


def _connections() -> Any:
    # A library may import Django in a program that never configures it.
    if DJANGO not in sys.modules or not sys.modules["django.conf"].settings.configured:
        return None
    # Another thread may import it just now.
    return getattr(sys.modules[DJANGO], "connections", None)
