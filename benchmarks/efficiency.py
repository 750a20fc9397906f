"""The share of its slots' time that a worker gives to jobs."""

from collections.abc import Mapping

from benchmarks.backlog import fill
from benchmarks.delayed_link import delayed
from benchmarks.drain import work_off
from benchmarks.measurement import Measurement
from benchmarks.server import Server
from benchmarks.tasks import nap

SLOTS = 25
NAP_SECONDS = 0.02


def efficiency(server: Server, *, count: int) -> Mapping[str, Measurement]:
    """The seconds of all jobs, divided by the seconds of all slots from first start to last end."""
    with server.database() as url:
        fill(url, count, task=f"'{nap.name}'", args={"seconds": NAP_SECONDS})
        per_second = work_off(url, count, "--greenlets", str(SLOTS))
    return {"efficiency": Measurement(per_second * NAP_SECONDS / SLOTS)}


def over_long_link(
    server: Server, *, count: int, round_trip_seconds: float
) -> Mapping[str, Measurement]:
    """The same of a worker that is far from its database."""
    with server.database() as url, delayed(url, round_trip_seconds / 2) as far_url:
        fill(url, count, task=f"'{nap.name}'", args={"seconds": NAP_SECONDS})
        per_second = work_off(far_url, count, "--greenlets", str(SLOTS))
    return {"efficiency": Measurement(per_second * NAP_SECONDS / SLOTS)}
