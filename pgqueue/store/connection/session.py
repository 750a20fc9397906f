"""What holds in every session of our own, whatever the server's and the URL's defaults say."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus

T = TypeVar("T")

SETTINGS: Final = {
    "default_transaction_isolation": "read committed",
    "statement_timeout": "20s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
    "timezone": "UTC",
    "jit": "off",
}
"""Our statements are short and hold no transaction open; they read what is committed and give
up rather than hang. A URL may say otherwise."""

GENERIC_PLANS: Final = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
"""For loops, which ask the same few statements for ever. To plan one takes as long as to settle
fifty jobs, and lists of values make every plan look worth the while. Planned once, a limit counts
as a tenth of a table, and to gather all of it looks cheap: what is left is to go by keys, however
large the table is or how full of dead rows that somebody keeps."""

INDEX_ORDER_ONLY: Final = {**GENERIC_PLANS, "enable_bitmapscan": "off", "enable_sort": "off"}
"""For who reads the first of an index again and again. A plan that gathers rows and sorts them
looks as good to a planner that takes a table for small, or does not know a limit, and reads all of
them each time."""

# Not the URL's to say: an application's path may begin with a schema in which others can create,
# and a function there that fits better than PostgreSQL's own would run with our rights. See
# test_our_own_sessions_look_nowhere_but_in_the_catalog.
_PATH = "pg_catalog, pg_temp"

# Longer than the server takes to give up by itself, shorter than a lease.
_ANSWER_SECONDS_MAX = 22.0

# For a question that costs the server nothing.
_SIGN_SECONDS_MAX = 5.0


def as_options(url_options: str, more: Mapping[str, str]) -> str:
    """The settings as libpq's `options`, around those of a URL, for a session of our own."""
    settings = [_option(name, value) for name, value in {**SETTINGS, **more}.items()]
    return " ".join((*settings, url_options, _option("search_path", _PATH)))


def as_statement(more: Mapping[str, str]) -> str:
    """The settings as a statement, for one transaction in a session that others use too.

    The isolation level is not among them: it is said when the transaction begins.
    """
    calls = [
        f"set_config('{name}', '{value}', true)"
        for name, value in {**SETTINGS, **more, "search_path": _PATH}.items()
        if name != "default_transaction_isolation"
    ]
    return f"select {', '.join(calls)}"


def _option(name: str, value: str) -> str:
    escaped = value.replace(" ", "\\ ")
    return f"-c {name}={escaped}"


class OwnConnection(psycopg.Connection[Any]):
    """A connection that waits for an answer, but not for ever.

    TCP's own timers see a network that died; they do not see a proxy that goes on to
    acknowledge what nobody reads behind it. Past the limit the statement fails with an
    `OperationalError` and the connection is closed, as one that broke: what was asked may still
    be answered, and the next question would get that answer.

    Attributes:
        answer_seconds_max: The limit for one answer, 22 s; None for none.
    """

    answer_seconds_max: float | None = _ANSWER_SECONDS_MAX

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Wait for an answer; psycopg asks here for everything but the start of a session."""
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.answer_seconds_max)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise

    @contextmanager
    def short_timeout(self) -> Iterator[None]:
        """Wait 5 s for answers, for what costs the server nothing."""
        limit, self.answer_seconds_max = self.answer_seconds_max, _SIGN_SECONDS_MAX
        try:
            yield
        finally:
            self.answer_seconds_max = limit

    def ping(self) -> bool:
        """Whether the server still answers here, within 5 s; if not the connection is closed."""
        try:
            with self.short_timeout():
                self.execute("select 1", prepare=False)
        except psycopg.OperationalError:
            self.close()
            return False
        return True
