"""The connections of the server."""

from pgqueue.store.statement import Statement


def connections() -> Statement[tuple[int, int]]:
    """How many connections the server allows to ordinary roles, and how many are open."""
    return Statement("count_connections", {}, lambda rows: (rows[0][0], rows[0][1]))
