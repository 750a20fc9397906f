"""A claim for most tests: from whole queues, with the claimed attempts alone."""

from collections.abc import Sequence
from typing import Any

from pgqueue.store import claims
from pgqueue.store.claims import ClaimedAttempt, KeyRange
from pgqueue.store.statement import Row, Statement


def claim(*, queues: Sequence[str], **params: Any) -> Statement[list[ClaimedAttempt]]:
    """Take the next ready jobs of *queues*."""
    statement = claims.claim(key_ranges=[KeyRange(queue) for queue in queues], **params)

    def decode(rows: Sequence[Row]) -> list[ClaimedAttempt]:
        return statement.decode(rows).claimed

    return Statement(statement.file, statement.params, decode)
