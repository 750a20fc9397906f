"""Our own connections to PostgreSQL: a `Database` opens them as links.

Links over a caller's connections come from `adopt`.
"""

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import tuple_row

from pgqueue.core.errors import DatabaseUnreachable, InvalidSettings
from pgqueue.core.settings import redact_url
from pgqueue.store.connection import session
from pgqueue.store.connection.adapters import Cursor
from pgqueue.store.connection.link import NO_SETTINGS, Link
from pgqueue.store.schema_name import Schema

# The error of PgBouncer about settings at the start of a session.
_OPTIONS_REFUSED = "unsupported startup parameter"

# A dead network is noticed within 25 s; libpq's defaults wait for ever. Keepalives notice it while
# an answer is awaited, tcp_user_timeout while a statement is being sent.
_TCP = {
    "connect_timeout": "10",
    "keepalives": "1",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}


# PgBouncer's words, and ours for them.
_NO_TRANSACTIONS = "statement pooling mode"
_STATEMENT_MODE = (
    "PgBouncer is in statement mode, which allows no transactions: set pool_mode to transaction or "
    "session for this database."
)


def libpq_url(url: str) -> str:
    """The URL in libpq's form: without the driver of SQLAlchemy's `postgresql+psycopg://`."""
    scheme, colon, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}://{rest}" if colon else url


def _checked_url(url: str) -> str:
    # libpq ends the password at the first @ or /, and its errors would quote the rest as a host.
    if url.startswith(("postgresql://", "postgres://")):
        credentials = url.partition("://")[2].partition("?")[0].rpartition("@")[0]
        if "@" in credentials or "/" in credentials:
            raise ValueError
    return url


class Database:
    """The database and the schema of pgqueue's tables. Opens our own connections.

    Args:
        url: `postgresql://…` (libpq's or SQLAlchemy's form) or a libpq `key=value` string.
        schema: The schema of our tables.
    """

    def __init__(self, url: str, schema: Schema | str = "pgqueue") -> None:
        self.url = url
        self.schema = Schema(schema) if isinstance(schema, str) else schema
        self._takes_options = True

    def conninfo(self, application_name: str, settings: Mapping[str, str] = NO_SETTINGS) -> str:
        """The connection string for libpq: the URL, with our defaults for what it leaves open."""
        try:
            params: dict[str, Any] = conninfo_to_dict(_checked_url(libpq_url(self.url)))
        except (psycopg.ProgrammingError, ValueError):
            # libpq's own message quotes a part of the URL, which may be the password.
            raise InvalidSettings(
                name="url",
                value=redact_url(self.url),
                origin="the database's URL",
                reason="it takes postgresql://…, libpq's name=value words, or embedded:[PATH]. In "
                "user and password the characters @ / : and % are written %40 %2F %3A and %25.",
            ) from None
        if self._takes_options:
            params["options"] = session.libpq_options(params.get("options", ""), settings)
        # Our texts are Unicode, whatever encoding the URL or the server would choose.
        params["client_encoding"] = "utf8"
        return make_conninfo(**{**_TCP, "application_name": application_name, **params})

    def open(
        self, application_name: str = "pgqueue", settings: Mapping[str, str] = NO_SETTINGS
    ) -> "Link":
        """A new connection of our own, in autocommit.

        Behind a pooler another client gets the session after each transaction. So no settings and
        no prepared statements stay in it.

        Args:
            settings: In addition to the settings of all our sessions.

        Raises:
            DatabaseUnreachable: No server answers, or it refuses us.
        """
        try:
            raw = self._connect(application_name, settings)
            is_pooled = _prepare(raw)
        except psycopg.OperationalError as error:
            reason = _STATEMENT_MODE if _NO_TRANSACTIONS in str(error) else str(error).strip()
            raise DatabaseUnreachable(reason=reason) from error
        if is_pooled:
            raw.prepare_threshold = None
            raw.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        elif settings:
            # A loop repeats a few statements: they are prepared at once, not after five executions.
            raw.prepare_threshold = 0
        return Link(raw, self.schema, is_pooled=is_pooled, settings=settings)

    def _connect(self, application_name: str, settings: Mapping[str, str]) -> session.OwnConnection:
        conninfo = self.conninfo(application_name, settings)
        try:
            return session.OwnConnection.connect(conninfo, autocommit=True)
        except psycopg.OperationalError as error:
            if _OPTIONS_REFUSED not in str(error) or "options" not in conninfo:
                raise
            self._takes_options = False
            return self._connect(application_name, settings)


def _prepare(raw: "psycopg.Connection[Any]") -> bool:
    """Make the settings that are not options of the connection; returns whether it is pooled."""
    query = f"select pg_backend_pid(), {session.has_newer_settings()}"
    try:
        with Cursor(raw, row_factory=tuple_row) as cursor:
            ((pid, is_set),) = cursor.execute(query.encode())
            # A pooler sends its clients a process id of its own.
            is_pooled = bool(pid != raw.info.backend_pid)
            if is_pooled:
                with raw.transaction():
                    pass  # fails where the pooler allows no transactions
            elif not is_set:
                cursor.execute(session.NEWER_SETTINGS_QUERY)
    except psycopg.OperationalError:
        raw.close()
        raise
    return is_pooled
