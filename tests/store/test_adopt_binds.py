"""Sessions of SQLAlchemy that have no bind of their own, but one for each model."""

import asyncio
from typing import Any

import pytest
from applications import NEW, SCHEMA, sqlalchemy_url, visible
from queue_database import QueueDatabase
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import (
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    mapped_column,
    scoped_session,
    sessionmaker,
)
from sqlalchemy.pool import NullPool

from pgqueue.core.errors import UnsupportedConnection
from pgqueue.store import enqueueing
from pgqueue.store.connection.adopt import aadopt, adopt
from pgqueue.store.statement import arun, run


class Base(DeclarativeBase):
    """The models of an application."""


class Order(Base):
    """A model in the queue's database."""

    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)


class Visit(Base):
    """A model elsewhere."""

    __tablename__ = "visits"
    id: Mapped[int] = mapped_column(primary_key=True)


@pytest.fixture
def engine(database_url: str, db: QueueDatabase) -> Any:
    """An engine of the queue's database, which has a table of the application."""
    db.link.raw.execute("create table public.orders (id bigint primary key)")
    return create_engine(sqlalchemy_url(database_url), poolclass=NullPool)


@pytest.fixture
def other_engine(database_url: str) -> Any:
    """Another engine of PostgreSQL."""
    return create_engine(sqlalchemy_url(database_url), poolclass=NullPool)


def enqueue(session: Any) -> None:
    """Insert one job in the session's transaction."""
    run(adopt(session, SCHEMA), enqueueing.enqueue(NEW))


@pytest.mark.parametrize("is_scoped", [False, True], ids=["session", "scoped"])
def test_the_only_engine_of_the_binds_carries_the_job(
    db: QueueDatabase, engine: Any, is_scoped: bool
) -> None:
    binds = {Order: engine, Visit: engine}
    session: Any = Session(binds=binds)
    if is_scoped:
        session = scoped_session(sessionmaker(binds=binds))

    session.add(Order(id=1))
    enqueue(session)
    session.rollback()
    rolled_back = visible(db)
    session.add(Order(id=2))
    enqueue(session)
    session.commit()
    session.close()

    assert (0, 0) == rolled_back
    assert (1, 1) == visible(db)


def test_the_only_bind_to_postgresql_carries_the_job(db: QueueDatabase, engine: Any) -> None:
    with Session(binds={Order: engine, Visit: create_engine("sqlite://")}) as session:
        enqueue(session)
        session.commit()

    assert (0, 1) == visible(db)


def test_a_bind_may_be_a_connection(db: QueueDatabase, engine: Any) -> None:
    with engine.connect() as connection, Session(binds={Order: connection}) as session:
        session.add(Order(id=1))
        enqueue(session)
        session.commit()
        connection.commit()

    assert (1, 1) == visible(db)


def test_of_several_binds_the_one_in_use_carries_the_job(
    db: QueueDatabase, engine: Any, other_engine: Any
) -> None:
    with Session(binds={Order: engine, Visit: other_engine}) as session:
        session.add(Order(id=1))
        session.flush()
        enqueue(session)
        session.commit()

    assert (1, 1) == visible(db)


@pytest.mark.parametrize("used", [0, 2])
def test_several_binds_are_refused_with_advice_that_helps(
    db: QueueDatabase, engine: Any, other_engine: Any, used: int
) -> None:
    with Session(binds={Order: engine, Visit: other_engine}) as session:
        for model in (Order, Visit)[:used]:
            session.execute(text("select 1"), bind_arguments={"mapper": model})
        with pytest.raises(UnsupportedConnection, match=r"bind_arguments={'mapper': Model}"):
            enqueue(session)

        enqueue(session.connection(bind_arguments={"mapper": Order}))
        session.commit()

    assert (0, 1) == visible(db)


def test_a_session_without_a_bind_is_refused_with_advice() -> None:
    with Session() as session, pytest.raises(UnsupportedConnection, match=r"Session\(engine\)"):
        adopt(session, SCHEMA)


@pytest.mark.parametrize("is_scoped", [False, True], ids=["session", "scoped"])
def test_an_asyncio_session_with_binds_carries_the_job(
    db: QueueDatabase, engine: Any, database_url: str, is_scoped: bool
) -> None:
    async def work() -> None:
        bind = create_async_engine(sqlalchemy_url(database_url), poolclass=NullPool)
        session: Any = AsyncSession(binds={Order: bind})
        if is_scoped:
            session = async_scoped_session(
                async_sessionmaker(binds={Order: bind}), asyncio.current_task
            )
        session.add(Order(id=1))
        await arun(await aadopt(session, SCHEMA), enqueueing.enqueue(NEW))
        await session.commit()
        await session.close()
        with pytest.raises(UnsupportedConnection, match=r"Session\(engine\)"):
            await aadopt(AsyncSession(), SCHEMA)

    asyncio.run(work())

    assert (1, 1) == visible(db)
