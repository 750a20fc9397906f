"""One turn of one peer: every figure, each in a fresh database, each checked for lost jobs."""

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

from benchmarks.drain import snapshot_held
from benchmarks.peers.crew import Crew, crew, surroundings
from benchmarks.peers.environment import Environment
from benchmarks.place import Place

VERB_SECONDS_MAX = 300
FINISH_SECONDS_MAX = 600
# So often the database is asked whether all is finished. A look costs about a millisecond.
LOOK_SECONDS = 0.02
REST_SECONDS = 2.0
# A drain beside which somebody holds a snapshot gets slower and slower with some peers.
LONG_SECONDS_MAX = 20.0
# To count what is finished takes longer and longer; it gets a tenth of the time of one core.
LOOK_PAUSES = 10
# A peer may be about to move rows between tables that are counted together.
AGREE_SECONDS_MAX = 2.0


class TurnFailed(Exception):
    """A peer lost jobs, ran some twice, or took too long."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many jobs are measured.

    Args:
        drain: Of each drain.
        single: Enqueued one by one.
        ping: Enqueued while the worker is idle.
    """

    drain: int
    single: int
    ping: int

    @property
    def long(self) -> int:
        """Of a drain that leaves enough dead rows to be felt: 200,000 where others have 20,000."""
        return 10 * self.drain


class Look(NamedTuple):
    """How many jobs were finished so many seconds after the first start."""

    seconds: float
    finished: int
    cost_seconds: float = 0.0


class Turn:
    """Measures one peer once."""

    def __init__(self, place: Place, environment: Environment, counts: Counts) -> None:
        self._place = place
        self._environment = environment
        self._counts = counts
        self._starts = environment.folder / "starts"

    def measure(self) -> dict[str, Any]:
        """All figures of the turn, by name.

        Raises:
            TurnFailed: A job was lost, or took too long.
            CrewFailed: A worker ended.
        """
        one, two = self._drain(1), self._drain(2)
        return {
            "drain_one": one["rate"],
            "drain_two": two["rate"],
            "bulk": [one["bulk"], two["bulk"]],
            "first_start_seconds": one["first_start_seconds"],
            **self._idle(),
            "free": self._long_drain(is_held=False),
            "held": self._long_drain(is_held=True),
        }

    def _drain(self, workers: int) -> dict[str, float]:
        """Jobs a second, from the first start to the moment when all are seen finished."""
        count = self._share_of(self._counts.drain)
        with self._database() as (connection, url):
            enqueued = self._ask(url, "bulk", count)
            connection.execute("vacuum analyze")
            with crew(self._environment, url, workers, self._starts) as working:
                began_at = working.first_start()
                ended_at = self._wait(connection, working, count)
                self._check(connection, count)
                first_start_seconds = began_at - working.began_at
        return {
            "rate": count / (ended_at - began_at),
            "bulk": enqueued["count"] / enqueued["seconds"],
            "first_start_seconds": first_start_seconds,
        }

    def _long_drain(self, *, is_held: bool) -> dict[str, float]:
        """Jobs a second of two workers, until all are finished or the time is over.

        Args:
            is_held: Whether somebody holds a snapshot from before the jobs were enqueued.
        """
        count = self._share_of(self._counts.long)
        with (
            self._database() as (connection, url),
            snapshot_held(url) if is_held else nullcontext(),
        ):
            self._ask(url, "bulk", count)
            connection.execute("vacuum analyze")
            with crew(self._environment, url, 2, self._starts) as working:
                looks = self._watch(connection, working, count)
                if looks[-1].finished == count:
                    self._check(connection, count)
        return {
            "rate": looks[-1].finished / looks[-1].seconds,
            "last_third": rate_of_last_third(looks),
            "finished": looks[-1].finished,
            "count": count,
        }

    def _idle(self) -> dict[str, Any]:
        """Single jobs: their rate without a worker, their way to an idle one; memory then."""
        with self._database() as (connection, url):
            singles = self._ask(url, "single", self._counts.single)
            with crew(self._environment, url, 1, self._starts) as working:
                working.first_start()
                self._wait(connection, working, self._counts.single)
                pings = self._ask(url, "ping", self._counts.ping)
                count = self._counts.single + self._counts.ping
                self._wait(connection, working, count)
                time.sleep(REST_SECONDS)
                memory = working.memory()
                self._check(connection, count)
                told = [(n, at) for task, n, at in working.starts() if task == "ping"]
        started_at = dict(told)
        if not pings["count"] == len(told) == len(started_at):
            raise TurnFailed(f"{pings['count']} pings told {len(told)} starts")
        return {
            "single": singles["count"] / singles["seconds"],
            "from_return_seconds": _differences(started_at, pings["returned_at"]),
            "from_call_seconds": _differences(started_at, pings["called_at"]),
            **memory,
        }

    @contextmanager
    def _database(self) -> Iterator[tuple[psycopg.Connection, str]]:
        with self._place.database() as conninfo:
            parts = conninfo_to_dict(conninfo)
            # A URL is what every peer takes; not all take a user before a host that is empty.
            words = urlencode({name: parts[name] for name in ("user", "host", "port")})
            url = f"postgresql:///{parts['dbname']}?{words}"
            self._ask(url, "setup", 0)
            with psycopg.connect(conninfo, autocommit=True) as connection:
                yield connection, url

    def _ask(self, url: str, verb: str, count: int) -> dict[str, Any]:
        """Let the adapter do one verb in a process of its own."""
        try:
            done = subprocess.run(
                self._environment.command(verb, str(count)),
                cwd=self._environment.peer.folder,
                env=surroundings(url, self._starts),
                capture_output=True,
                text=True,
                timeout=VERB_SECONDS_MAX,
            )
        except subprocess.TimeoutExpired:
            raise TurnFailed(f"{verb} took longer than {VERB_SECONDS_MAX} seconds") from None
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
            raise TurnFailed(f"{verb} ended with {done.returncode}: {last[0]}")
        return {} if verb == "setup" else json.loads(done.stdout.splitlines()[-1])

    def _wait(self, connection: psycopg.Connection, working: Crew, count: int) -> float:
        """When the database was first seen with nothing of so many jobs waiting or running."""
        peer = self._environment.peer
        until = time.time() + FINISH_SECONDS_MAX
        while _answer(connection, peer.unfinished, count):
            working.check()
            if time.time() > until:
                done = _answer(connection, peer.finished, count)
                raise TurnFailed(f"{done} of {count} were finished in {FINISH_SECONDS_MAX} seconds")
            time.sleep(LOOK_SECONDS)
        return time.time()

    def _watch(self, connection: psycopg.Connection, working: Crew, count: int) -> list[Look]:
        """What was finished from the first start until all was, or the time was over."""
        began_at = working.first_start()
        looks = [Look(0.0, 0)]
        while looks[-1].finished < count and looks[-1].seconds < LONG_SECONDS_MAX:
            time.sleep(max(LOOK_SECONDS, LOOK_PAUSES * looks[-1].cost_seconds))
            working.check()
            looked_at = time.time()
            finished = int(_answer(connection, self._environment.peer.finished, count))
            looks.append(Look(looked_at - began_at, finished, time.time() - looked_at))
        if not looks[-1].finished:
            raise TurnFailed(f"nothing of {count} jobs was finished in {LONG_SECONDS_MAX} seconds")
        return looks

    def _share_of(self, count: int) -> int:
        return max(2, round(count * self._environment.peer.jobs_share))

    def _check(self, connection: psycopg.Connection, count: int) -> None:
        """Every job was finished, and none of them twice, as far as the peer's tables tell."""
        until = time.time() + AGREE_SECONDS_MAX
        while (done := _answer(connection, self._environment.peer.finished, count)) != count:
            if time.time() > until:
                raise TurnFailed(f"{done} jobs were finished, of {count}")
            time.sleep(LOOK_SECONDS)


def rate_of_last_third(looks: Sequence[Look]) -> float:
    """Jobs a second of the last third of what was finished, by looks that begin with nothing.

    Its begin is between two looks, in proportion to the jobs.
    """
    last = looks[-1]
    mark = last.finished * 2 / 3
    before, after = next(pair for pair in pairwise(looks) if pair[1].finished >= mark)
    share = (mark - before.finished) / (after.finished - before.finished)
    begin = before.seconds + share * (after.seconds - before.seconds)
    return (last.finished - mark) / (last.seconds - begin)


def _answer(connection: psycopg.Connection, sql: str, count: int) -> Any:
    [[answer]] = connection.execute(sql.encode(), {"count": count}).fetchall()
    return answer


def _differences(started_at: Mapping[int, float], before: list[float]) -> list[float]:
    """Seconds for each ping, which are numbered from 1."""
    return [started_at[n] - at for n, at in enumerate(before, 1)]
