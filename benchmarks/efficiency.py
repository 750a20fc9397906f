"""How much of the time of its slots a worker gives to jobs that wait."""

from collections.abc import Mapping

from benchmarks.backlog import fill
from benchmarks.drain import work_off
from benchmarks.place import Place
from benchmarks.reading import Reading
from benchmarks.tasks import nap

SLOTS = 25
NAP_SECONDS = 0.02


def efficiency(place: Place, *, count: int) -> Mapping[str, Reading]:
    """The seconds that the jobs take, in those which the slots had, first start to last end."""
    with place.database() as url:
        fill(url, count, task=f"'{nap.name}'", args={"seconds": NAP_SECONDS})
        per_second = work_off(url, count, "--greenlets", str(SLOTS))
    return {"efficiency": Reading(per_second * NAP_SECONDS / SLOTS)}
