"""The figures that are measured, each with its goal; see docs/explanation/performance.md."""

from functools import partial

from benchmarks import drain
from benchmarks.figure import Figure


def figures(jobs: int) -> list[Figure]:
    """All of them.

    Args:
        jobs: How many each drain works off.
    """
    return [
        Figure(
            "P1",
            "drain against bare SQL",
            ours=partial(drain.ours, count=jobs, words=("--processes", "2")),
            against=partial(drain.reference, count=jobs),
            goal=0.8,
        ),
        Figure(
            "P3",
            "drain under an old snapshot",
            ours=partial(drain.ours, count=3 * jobs, is_held=True),
            against=partial(drain.ours, count=3 * jobs),
            goal=0.85,
        ),
        Figure(
            "P4",
            "drain beside ten times as many others",
            ours=partial(drain.ours, count=jobs, beside=10 * jobs),
            against=partial(drain.ours, count=jobs),
            goal=0.85,
        ),
    ]
