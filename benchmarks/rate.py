"""The rate of attempts, by their rows."""

from datetime import datetime

import psycopg

_ENDED = """
select
  count(*) filter (where outcome = 'succeeded'),
  count(*),
  extract(epoch from max(finished_at) - min(started_at))::float8
from {table}
where %(since)s::timestamptz is null
  or started_at >= %(since)s
"""


def rate(
    url: str,
    count: int,
    *,
    more: int = 0,
    table: str = "pgqueue.attempts",
    since: datetime | None = None,
) -> float:
    """Attempts a second, from the first start to the last end.

    Args:
        count: The least number of attempts.
        more: The number of attempts that may be there besides.
        since: Earlier attempts are not counted.

    Raises:
        ValueError: There are fewer or more attempts, or one did not succeed.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        text = _ENDED.format(table=table).encode()
        [(succeeded, ended, seconds)] = connection.execute(text, {"since": since}).fetchall()
    if succeeded != ended or not count <= ended <= count + more:
        raise ValueError(f"{succeeded} of {ended} attempts succeeded, and {count} were expected.")
    return float(ended / seconds)
