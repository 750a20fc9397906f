"""Tasks that query by Django, each in its own way."""

import os
from typing import Any

import django
from asgiref.sync import sync_to_async
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict

from pgqueue import task
from pgqueue.store.connection.database import libpq_url


def _database(name: str, **options: Any) -> dict[str, Any]:
    fields = conninfo_to_dict(libpq_url(os.environ["PGQUEUE_URL"]))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": fields["dbname"],
        "USER": fields.get("user", ""),
        "PASSWORD": fields.get("password", ""),
        "HOST": fields.get("host", ""),
        "PORT": fields.get("port", ""),
        "OPTIONS": {"application_name": f"shop {name}"},
        **options,
    }


settings.configure(
    USE_TZ=True,
    DEBUG=True,
    DATABASES={
        "default": _database("default"),
        "kept": _database("kept", CONN_MAX_AGE=None, CONN_HEALTH_CHECKS=True),
        "unchecked": _database("unchecked", CONN_MAX_AGE=None),
    },
)
django.setup()

from django.db import connections, transaction  # noqa: E402


def query(alias: str) -> list[Any]:
    """Whether a transaction of another job is open, and how many queries were logged."""
    connection = connections[alias]
    is_open = connection.in_atomic_block
    with connection.cursor() as cursor:
        cursor.execute("select 1")
    return [is_open, len(connection.queries)]


@task
def in_greenlet(alias: str) -> list[Any]:
    return query(alias)


@task(executor="asyncio")
async def in_coroutine(alias: str) -> list[Any]:
    return await sync_to_async(query)(alias)


@task(executor="process")
def in_process(alias: str) -> list[Any]:
    return query(alias)


def _leave_a_transaction(alias: str) -> None:
    transaction.atomic(alias).__enter__()
    query(alias)


@task
def leaves_in_greenlet(alias: str) -> None:
    _leave_a_transaction(alias)


@task(executor="asyncio")
async def leaves_in_coroutine(alias: str) -> None:
    await sync_to_async(_leave_a_transaction)(alias)


@task(executor="process")
def leaves_in_process(alias: str) -> None:
    _leave_a_transaction(alias)
