"""The base of every noun's verbs: it runs statements on the database of one client."""

import asyncio
from typing import TYPE_CHECKING, TypeVar, cast

from pgqueue.client.idle_links import IdleLinks
from pgqueue.core.job import Job, bind
from pgqueue.store.connection.adopt import aadopt, adopt
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.presence import SCHEMA_ERRORS, raise_if_missing
from pgqueue.store.statement import Statement, arun, run

if TYPE_CHECKING:
    from pgqueue.client.client import Client
    from pgqueue.store.reports.report import Report

T = TypeVar("T")


class Verbs:
    """Runs the statements of verbs; threads, greenlets and an event loop may share it.

    Attributes:
        database: The database of all verbs that get no connection.
    """

    def __init__(self, database: Database, links: IdleLinks) -> None:
        self.database = database
        self._links = links

    def _run(self, statement: Statement[T], connection: object = None) -> T:
        """The answer to a statement, in the transaction of *connection* or in one of its own."""
        if connection is not None:
            adopted = adopt(connection, self.database.schema)
            try:
                return run(adopted, statement)
            except SCHEMA_ERRORS as error:
                raise_if_missing(adopted, error)
                raise
        with self._links.borrow() as link:
            return run(link, statement)

    async def _arun(self, statement: Statement[T], connection: object = None) -> T:
        """The answer to a statement; without a connection a thread waits for the answer."""
        if connection is None:
            return await asyncio.to_thread(self._run, statement)
        link = await aadopt(connection, self.database.schema)
        try:
            return await arun(link, statement)
        except SCHEMA_ERRORS as error:
            raise_if_missing(link, error)
            raise

    def _read(self, report: "Report[T]") -> T:
        """The answer to a report."""
        # Here and in each verb that makes a report, because SQLAlchemy takes 0.3 s to import.
        from pgqueue.store.reports.report import read

        with self._links.borrow() as link:
            return read(link, report)

    def _bound(self, job: Job) -> Job:
        """The job, whose own verbs go through this client."""
        # Without a URL the client serves a caller's connection only, and cannot reach a database.
        if not self.database.url:
            return job
        # Each class of verbs that returns jobs is a part of `Client`.
        return bind(job, cast("Client", self))
