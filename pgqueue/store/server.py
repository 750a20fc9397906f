"""What a supervisor asks about its workers: start, lease, end; and the tasks they know."""

from pgqueue.store.statement import Statement


def connections() -> Statement[tuple[int, int]]:
    """How many connections the server takes from all of us, and how many it has taken."""
    return Statement("count_connections", {}, lambda rows: (rows[0][0], rows[0][1]))
