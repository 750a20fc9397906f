"""`python -m benchmarks.producer KIND URL SECONDS THREADS`: one process that enqueues.

It prints `ready` when its threads are connected, and starts at a line on standard input. At the
end it prints its committed jobs and its seconds. `ours` enqueues by pgqueue, `bare` by an INSERT.
"""

import sys
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import psycopg

from benchmarks import bare
from benchmarks.tasks import noop
from pgqueue import configure

_CONNECT_SECONDS_MAX = 60.0

Enqueue = Callable[["psycopg.Connection[Any]", int], object]


def _ours(connection: "psycopg.Connection[Any]", n: int) -> None:
    noop.using(connection=connection).enqueue(n)


def _bare(connection: "psycopg.Connection[Any]", n: int) -> None:
    connection.execute(bare.TEXT, bare.params(n)).fetchone()


def produce(
    enqueue: Enqueue,
    url: str,
    seconds: float,
    is_connected: threading.Barrier,
    begin: threading.Event,
    counts: list[int],
) -> None:
    """Enqueue single jobs, each in a transaction of its own, and append their number."""
    with psycopg.connect(url) as connection:
        is_connected.wait()
        begin.wait()
        end = time.monotonic() + seconds
        for n in count():
            if time.monotonic() >= end:
                counts.append(n)
                return
            enqueue(connection, n)
            connection.commit()


def main() -> None:
    """Run the threads."""
    kind, url, seconds, threads = sys.argv[1:]
    # An application configures its client; without it, each enqueue reads the settings again.
    configure(url=url)
    begin, counts = threading.Event(), list[int]()
    is_connected = threading.Barrier(int(threads) + 1, timeout=_CONNECT_SECONDS_MAX)
    arguments = (_ours if kind == "ours" else _bare, url, float(seconds))
    workers = [
        threading.Thread(target=produce, args=(*arguments, is_connected, begin, counts))
        for _ in range(int(threads))
    ]
    for thread in workers:
        thread.start()
    is_connected.wait()
    print("ready", flush=True)
    sys.stdin.readline()
    began_at = time.monotonic()
    begin.set()
    for thread in workers:
        thread.join()
    if len(counts) != len(workers):
        sys.exit("A thread failed.")
    print(sum(counts), time.monotonic() - began_at, flush=True)


if __name__ == "__main__":
    main()
