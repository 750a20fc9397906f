"""What a supervisor asks about its workers: start, lease, end; and the tasks they know."""

from collections.abc import Sequence

from pgqueue.store.statement import Statement, only_value

_QUEUES_MAX = 100


def next_supervisor() -> Statement[int]:
    """An id for a supervisor that starts; never given twice."""
    return Statement("next_supervisor", {}, only_value)


def announce(
    supervisor_id: int, queues: Sequence[str], *, wants_notify: bool, seconds: float
) -> Statement[int]:
    """Tell what a supervisor watches; the answer is how many of them watch, it among them.

    Args:
        queues: A trailing `/` takes all sub-queues. More than a hundred count as all there are.
        wants_notify: Whether who enqueues there is to notify.
        seconds: How long this counts, should nothing more be told.
    """
    # Every enqueue compares its queue with all of them.
    is_long = len(queues) > _QUEUES_MAX
    params = {
        "supervisor_id": supervisor_id,
        "queues": [] if is_long else [queue for queue in queues if not queue.endswith("/")],
        "prefixes": [""] if is_long else [queue for queue in queues if queue.endswith("/")],
        "wants_notify": wants_notify,
        "seconds": seconds,
    }
    return Statement("announce_supervisor", params, only_value)
