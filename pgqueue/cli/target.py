"""The database of a command; warnings go to standard error."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from pgqueue.cli.messages import print_warning
from pgqueue.client.client import Client
from pgqueue.runtime.target import Flags, Target, open_target, open_unchecked


def command_target(
    flags: Flags, *, migrate_embedded: bool = False
) -> AbstractContextManager[Target]:
    """The database of a command, with a schema that fits this release; see `open_target`."""
    return open_target(flags, migrate_embedded=migrate_embedded, warn=print_warning)


def unchecked_target(flags: Flags) -> AbstractContextManager[Target]:
    """The database of a command that works with any schema; see `open_unchecked`."""
    return open_unchecked(flags, warn=print_warning)


@contextmanager
def command_client(flags: Flags) -> Iterator[Client]:
    """A client of the command's database."""
    with command_target(flags) as target, target.client() as client:
        yield client
