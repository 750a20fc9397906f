"""A claim as most tests want it: of whole queues, and without the horizon."""

from collections.abc import Sequence
from typing import Any

from pgqueue.store import claims
from pgqueue.store.attempts import Claimed
from pgqueue.store.claims import Span
from pgqueue.store.statement import Row, Statement


def claim(*, queues: Sequence[str], **asked: Any) -> Statement[list[Claimed]]:
    """Take the next ready jobs of *queues*."""
    statement = claims.claim(spans=[Span(queue) for queue in queues], **asked)

    def decode(rows: Sequence[Row]) -> list[Claimed]:
        return statement.decode(rows).claimed

    return Statement(statement.file, statement.params, decode)
