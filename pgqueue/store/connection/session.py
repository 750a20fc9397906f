"""The settings and timeouts of our own sessions."""

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
    "array_nulls": "on",
}
"""Our statements are short, keep no transaction open, and fail after a timeout rather than hang. A
URL may change these settings."""

# A role may have set them: the first ends our transactions, the second forbids our views. A server
# that does not know a setting refuses a session that makes it, so they are made afterwards.
_NEWER_SETTINGS: Final = {"transaction_timeout": "0", "restrict_nonsystem_relation_kind": ""}

GENERIC_PLANS: Final = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
"""For loops, which repeat a few statements. Planning one takes as long as settling fifty jobs, and
lists of values make the planner prefer a new plan each time. In a generic plan a limit counts as a
tenth of the table, and reading the whole table looks cheap. So only plans that go by keys are
allowed, however large the table is and however many dead rows it has."""

INDEX_ORDER_ONLY: Final = {**GENERIC_PLANS, "enable_bitmapscan": "off", "enable_sort": "off"}
"""For sessions that read the first entries of an index again and again. A plan that gathers and
sorts all rows looks as cheap to a planner that takes the table for small or does not know the
limit."""

# The URL cannot change the path. An application's path may begin with a schema in which other roles
# can create; a function there that fits better than PostgreSQL's would run with our rights. See
# test_our_own_sessions_look_nowhere_but_in_the_catalog.
_PATH = "pg_catalog, pg_temp"

# Longer than `statement_timeout`, shorter than a lease.
_ANSWER_SECONDS_MAX = 22.0

# For a statement that costs the server nothing.
_SHORT_ANSWER_SECONDS_MAX = 5.0


def libpq_options(url_options: str, extra: Mapping[str, str]) -> str:
    """The settings as libpq's `options`; the URL's options override all but the search path."""
    settings = [_option(name, value) for name, value in {**SETTINGS, **extra}.items()]
    return " ".join((*settings, url_options, _option("search_path", _PATH)))


def settings_statement(extra: Mapping[str, str]) -> str:
    """A statement that makes the settings for one transaction of a pooled session.

    The isolation level is missing, as it is set when the transaction begins.
    """
    calls = [
        f"set_config('{name}', '{value}', true)"
        for name, value in {**SETTINGS, **extra, "search_path": _PATH}.items()
        if name != "default_transaction_isolation"
    ]
    return f"select {', '.join((*calls, newer_settings(for_transaction=True)))}"


def newer_settings(*, for_transaction: bool) -> str:
    """Expressions that make the settings which a server may know or not, where they differ."""
    is_local = "true" if for_transaction else "false"
    return ", ".join(
        f"case when current_setting('{name}', true) <> '{value}' "
        f"then set_config('{name}', '{value}', {is_local}) end"
        for name, value in _NEWER_SETTINGS.items()
    )


NEWER_SETTINGS_QUERY: Final = f"select {newer_settings(for_transaction=False)}".encode()
"""Makes the settings which a server may know or not, for the session."""


def has_newer_settings() -> str:
    """An expression: whether the settings which a server may know or not are ours."""
    return " and ".join(
        f"coalesce(current_setting('{name}', true), '{value}') = '{value}'"
        for name, value in _NEWER_SETTINGS.items()
    )


def _option(name: str, value: str) -> str:
    escaped = value.replace(" ", "\\ ")
    return f"-c {name}={escaped}"


class OwnConnection(psycopg.Connection[Any]):
    """A connection that waits for each answer for a limited time.

    The timers of TCP notice a dead network. They do not notice a proxy that acknowledges data which
    no server reads. Past the limit the statement fails with an `OperationalError` and the
    connection is closed: a late answer would be taken for the answer to the next statement.

    Attributes:
        answer_seconds_max: The limit for one answer, 22 s; None for none.
    """

    answer_seconds_max: float | None = _ANSWER_SECONDS_MAX

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Wait for an answer; psycopg waits here for everything but the start of a session."""
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.answer_seconds_max)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise

    @contextmanager
    def short_timeout(self, seconds: float | None = None) -> Iterator[None]:
        """Wait at most 5 s, or *seconds*, for each answer in this block."""
        shorter = _SHORT_ANSWER_SECONDS_MAX if seconds is None else seconds
        limit, self.answer_seconds_max = self.answer_seconds_max, shorter
        try:
            yield
        finally:
            self.answer_seconds_max = limit

    def ping(self) -> bool:
        """Whether the server answers within 5 s; if not the connection is closed."""
        try:
            with self.short_timeout():
                self.execute("select 1", prepare=False)
        except psycopg.OperationalError:
            self.close()
            return False
        return True
