"""A connection of Django, without a project."""

from typing import Any

from psycopg.conninfo import conninfo_to_dict

from pgqueue.store.connection.database import libpq_url


def configure_django() -> None:
    """Set Django up, once in a process."""
    import django
    from django.conf import settings

    if not settings.configured:
        settings.configure(USE_TZ=True, DATABASES={})
        django.setup()


def django_connection(url: str) -> Any:
    """`django.db.connection`, of a database at *url*."""
    configure_django()
    from django.db import connection, connections

    fields = conninfo_to_dict(libpq_url(url))
    connections.close_all()
    if hasattr(connections._connections, "default"):
        del connections["default"]
    connections.settings = connections.configure_settings(
        {
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": fields["dbname"],
                "USER": fields.get("user", ""),
                "PASSWORD": fields.get("password", ""),
                "HOST": fields.get("host", ""),
                "PORT": fields.get("port", ""),
            }
        }
    )
    return connection
