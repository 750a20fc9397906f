"""One round of one peer: every figure, in a fresh database, checked for lost jobs."""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple
from urllib.parse import urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict

from benchmarks.drain import open_snapshot
from benchmarks.peers.environment import Environment
from benchmarks.peers.workers import Workers, start_workers, variables
from benchmarks.server import Server

VERB_SECONDS_MAX = 300
FINISH_SECONDS_MAX = 600
# The pause between two polls of the finished jobs. A poll costs about a millisecond.
POLL_SECONDS = 0.02
REST_SECONDS = 2.0
# Beside an open snapshot the drain of some peers gets slower and slower.
LONG_SECONDS_MAX = 20.0
# The count of finished jobs takes longer and longer; it gets a tenth of the time of one core.
POLL_PAUSES = 10
# A peer may just be moving rows between two tables that are counted.
AGREE_SECONDS_MAX = 2.0


class RoundFailed(Exception):
    """A peer lost jobs, ran jobs twice, or took too long."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The numbers of jobs.

    Args:
        drain: The jobs of each drain.
        single: The jobs that are enqueued one by one.
        ping: The jobs that are enqueued while the worker is idle.
    """

    drain: int
    single: int
    ping: int

    @property
    def long(self) -> int:
        """The jobs of a long drain, whose dead rows matter: 200,000 where `drain` is 20,000."""
        return 10 * self.drain


class Sample(NamedTuple):
    """The number of finished jobs at a time after the first start."""

    seconds: float
    finished: int
    cost_seconds: float = 0.0


class PeerRound:
    """Measures one peer once."""

    def __init__(self, server: Server, environment: Environment, counts: Counts) -> None:
        self._server = server
        self._environment = environment
        self._counts = counts
        self._starts = environment.folder / "starts"

    def measure(self) -> dict[str, Any]:
        """All figures of the round, by name.

        Raises:
            RoundFailed: A job was lost, or took too long.
            WorkerFailed: A worker ended.
        """
        one, two = self._drain(1), self._drain(2)
        return {
            "drain_one": one["rate"],
            "drain_two": two["rate"],
            "bulk": [one["bulk"], two["bulk"]],
            "first_start_seconds": one["first_start_seconds"],
            **self._idle(),
            "without_snapshot": self._long_drain(has_snapshot=False),
            "under_snapshot": self._long_drain(has_snapshot=True),
        }

    def _drain(self, workers: int) -> dict[str, float]:
        """Jobs a second, from the first start to the poll that finds all jobs finished."""
        count = self._share_of(self._counts.drain)
        with self._database() as (connection, url):
            enqueued = self._run_verb(url, "bulk", count)
            connection.execute("vacuum analyze")
            with start_workers(self._environment, url, workers, self._starts) as running:
                began_at = running.first_start()
                ended_at = self._wait(connection, running, count)
                self._check(connection, count)
                first_start_seconds = began_at - running.began_at
        return {
            "rate": count / (ended_at - began_at),
            "bulk": enqueued["count"] / enqueued["seconds"],
            "first_start_seconds": first_start_seconds,
        }

    def _long_drain(self, *, has_snapshot: bool) -> dict[str, float]:
        """Jobs a second of two workers, until all jobs are finished or the time is over.

        Args:
            has_snapshot: Whether another session keeps a snapshot from before the enqueueing.
        """
        count = self._share_of(self._counts.long)
        with (
            self._database() as (connection, url),
            open_snapshot(url) if has_snapshot else nullcontext(),
        ):
            self._run_verb(url, "bulk", count)
            connection.execute("vacuum analyze")
            with start_workers(self._environment, url, 2, self._starts) as running:
                samples = self._samples(connection, running, count)
                if samples[-1].finished == count:
                    self._check(connection, count)
        return {
            "rate": samples[-1].finished / samples[-1].seconds,
            "last_third": rate_of_last_third(samples),
            "finished": samples[-1].finished,
            "count": count,
        }

    def _idle(self) -> dict[str, Any]:
        """The rate of single enqueues, the delays to an idle worker, and its memory."""
        with self._database() as (connection, url):
            singles = self._run_verb(url, "single", self._counts.single)
            with start_workers(self._environment, url, 1, self._starts) as running:
                running.first_start()
                self._wait(connection, running, self._counts.single)
                pings = self._run_verb(url, "ping", self._counts.ping)
                count = self._counts.single + self._counts.ping
                self._wait(connection, running, count)
                time.sleep(REST_SECONDS)
                memory = running.memory()
                self._check(connection, count)
                pairs = [(n, at) for task, n, at in running.starts() if task == "ping"]
        started_at = dict(pairs)
        if not pings["count"] == len(pairs) == len(started_at):
            raise RoundFailed(f"{pings['count']} pings recorded {len(pairs)} starts")
        return {
            "single": singles["count"] / singles["seconds"],
            "from_return_seconds": _differences(started_at, pings["returned_at"]),
            "from_call_seconds": _differences(started_at, pings["called_at"]),
            **memory,
        }

    @contextmanager
    def _database(self) -> Iterator[tuple[psycopg.Connection, str]]:
        with self._server.database() as conninfo:
            parts = conninfo_to_dict(conninfo)
            # Every peer accepts a URL, but some refuse a user before an empty host.
            words = urlencode({name: parts[name] for name in ("user", "host", "port")})
            url = f"postgresql:///{parts['dbname']}?{words}"
            self._run_verb(url, "setup", 0)
            with psycopg.connect(conninfo, autocommit=True) as connection:
                yield connection, url

    def _run_verb(self, url: str, verb: str, count: int) -> dict[str, Any]:
        """The answer of one verb of the adapter, which runs in a process of its own."""
        try:
            result = subprocess.run(
                self._environment.command(verb, str(count)),
                cwd=self._environment.peer.folder,
                env=variables(url, self._starts),
                capture_output=True,
                text=True,
                timeout=VERB_SECONDS_MAX,
            )
        except subprocess.TimeoutExpired:
            raise RoundFailed(f"{verb} took longer than {VERB_SECONDS_MAX} seconds") from None
        if result.returncode:
            last = result.stderr.strip().splitlines()[-1:] or ["no output"]
            raise RoundFailed(f"{verb} ended with {result.returncode}: {last[0]}")
        return {} if verb == "setup" else json.loads(result.stdout.splitlines()[-1])

    def _wait(self, connection: psycopg.Connection, running: Workers, count: int) -> float:
        """The moment of the first poll that finds no job waiting or running."""
        peer = self._environment.peer
        deadline = time.time() + FINISH_SECONDS_MAX
        while _value(connection, peer.unfinished, count):
            running.check()
            if time.time() > deadline:
                done = _value(connection, peer.finished, count)
                raise RoundFailed(
                    f"{done} of {count} were finished in {FINISH_SECONDS_MAX} seconds"
                )
            time.sleep(POLL_SECONDS)
        return time.time()

    def _samples(
        self, connection: psycopg.Connection, running: Workers, count: int
    ) -> list[Sample]:
        """Samples of the finished jobs, until all are finished or the time is over."""
        began_at = running.first_start()
        samples = [Sample(0.0, 0)]
        while samples[-1].finished < count and samples[-1].seconds < LONG_SECONDS_MAX:
            time.sleep(max(POLL_SECONDS, POLL_PAUSES * samples[-1].cost_seconds))
            running.check()
            polled_at = time.time()
            finished = int(_value(connection, self._environment.peer.finished, count))
            samples.append(Sample(polled_at - began_at, finished, time.time() - polled_at))
        if not samples[-1].finished:
            raise RoundFailed(f"nothing of {count} jobs was finished in {LONG_SECONDS_MAX} seconds")
        return samples

    def _share_of(self, count: int) -> int:
        return max(2, round(count * self._environment.peer.jobs_share))

    def _check(self, connection: psycopg.Connection, count: int) -> None:
        """Raise unless the peer's tables show every job finished exactly once."""
        deadline = time.time() + AGREE_SECONDS_MAX
        while (done := _value(connection, self._environment.peer.finished, count)) != count:
            if time.time() > deadline:
                raise RoundFailed(f"{done} jobs were finished, of {count}")
            time.sleep(POLL_SECONDS)


def rate_of_last_third(samples: Sequence[Sample]) -> float:
    """Jobs a second over the last third of the finished jobs; the first sample has none.

    The start of that third is interpolated between two samples by the number of jobs.
    """
    last = samples[-1]
    two_thirds = last.finished * 2 / 3
    before, after = next(pair for pair in pairwise(samples) if pair[1].finished >= two_thirds)
    share = (two_thirds - before.finished) / (after.finished - before.finished)
    begin = before.seconds + share * (after.seconds - before.seconds)
    return (last.finished - two_thirds) / (last.seconds - begin)


def _value(connection: psycopg.Connection, sql: str, count: int) -> Any:
    [[answer]] = connection.execute(sql.encode(), {"count": count}).fetchall()
    return answer


def _differences(started_at: Mapping[int, float], before: list[float]) -> list[float]:
    """The seconds of each ping; pings are numbered from 1."""
    return [started_at[n] - at for n, at in enumerate(before, 1)]
