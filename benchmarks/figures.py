"""All figures, each with its goal; see docs/explanation/performance.md."""

from functools import partial

from benchmarks import (
    bulk,
    cost,
    delays,
    drain,
    efficiency,
    enqueueing,
    fleet,
    idle,
    long_jobs,
    pruning,
    queues,
    reference,
    startup,
)
from benchmarks.figure import Figure, Line, Rate, side_by_side
from benchmarks.goal import at_least, at_most
from benchmarks.size import Size

# The mean pause between two jobs whose start is timed.
_EVERY_SECONDS = 0.03

# Before a claim, a worker pings a connection that was idle for half a second.
_RARELY_SECONDS = 2.0

_DAY_SECONDS = 86_400

_ROUND_TRIP_SECONDS = 0.05

_TWO = ("--processes", "2")

GOALS = {
    "P1": "drain rate, against bare SQL",
    "P2": "drain rate, against the peers (python -m benchmarks.peers)",
    "P3": "drain under an old snapshot",
    "P4": "drain beside large tables and during pruning",
    "P5": "rate of single enqueues",
    "P6": "rate of enqueue_many",
    "P7": "delay from commit to start, worker idle",
    "P8": "delay of an urgent job before a full queue",
    "P9": "server cost of a job",
    "keep=0": "server cost of a job that is deleted as it succeeds",
    "P10": "cost of idle workers",
    "P11": "start and memory of a worker",
    "P12": "drain by many children from many queues",
    "P13": "delay of scheduled jobs",
    "P14": "use of a worker's slots",
    "P15": "cost of a lone job among many idle supervisors",
    "P16": "delay of short jobs while one of three workers has long ones",
    "P17": "use of the slots of a worker far from its database",
}
"""The plain title of each goal, by its code."""


def figures(size: Size) -> list[Figure]:
    """All figures, in the order of the goals."""
    return [
        *_drains(size),
        *_enqueues(size),
        *_delays(size),
        *_costs(size),
        *_slots(size),
        *(_fleet(size, supervisors) for supervisors in size.supervisors),
    ]


def _drains(size: Size) -> list[Figure]:
    return [
        _ratio(
            "P1",
            "drain, against bare SQL",
            ours=partial(drain.ours, count=size.jobs, words=_TWO),
            against=partial(reference.reference, count=size.jobs),
            goal=0.8,
        ),
        _ratio(
            "P3",
            "drain under an old snapshot, against without",
            ours=partial(drain.ours, count=size.under_snapshot, has_snapshot=True),
            against=partial(drain.ours, count=size.under_snapshot),
            goal=0.85,
        ),
        _ratio(
            "P4",
            f"drain out of {size.others:,} of each kind, against alone",
            ours=partial(drain.beside_many, count=size.jobs, others=size.others),
            against=partial(drain.ours, count=size.jobs),
            goal=0.85,
        ),
        _ratio(
            "P4",
            f"drain after {size.finished:,} finished jobs, against alone",
            ours=partial(drain.after_many, count=size.jobs, finished=size.finished),
            against=partial(drain.ours, count=size.jobs),
            goal=0.85,
        ),
        Figure(
            "P4",
            partial(pruning.pruning, count=size.jobs, finished=size.expired),
            [
                Line(
                    "ratio",
                    f"drain while {size.expired:,} finished jobs are pruned, against kept",
                    "",
                    at_least(0.85),
                ),
                Line("pruned", "jobs pruned meanwhile for each one drained", ""),
            ],
        ),
    ]


def _enqueues(size: Size) -> list[Figure]:
    by_processes = partial(enqueueing.by_processes, seconds=size.seconds)
    by_pgbench = partial(enqueueing.by_pgbench, seconds=size.seconds)
    return [
        _ratio(
            "P5",
            "enqueue by 32 clients, against a bare INSERT",
            ours=partial(by_processes, kind="ours"),
            against=partial(by_processes, kind="bare"),
            goal=0.85,
        ),
        _ratio(
            "P5",
            "enqueue by 32 clients, against a bare INSERT, the server alone",
            ours=partial(by_pgbench, kind="ours"),
            against=partial(by_pgbench, kind="bare"),
            goal=0.9,
        ),
        _ratio(
            "P6",
            "enqueue_many, against psql's COPY",
            ours=partial(bulk.ours, count=size.bulk),
            against=partial(bulk.by_psql, count=size.bulk),
            goal=0.7,
        ),
    ]


def _delays(size: Size) -> list[Figure]:
    when_idle = partial(delays.when_idle, count=size.samples, every_seconds=_EVERY_SECONDS)
    when_rare = partial(delays.when_idle, count=size.rare_samples, every_seconds=_RARELY_SECONDS)
    when_saturated = partial(
        delays.when_saturated,
        count=size.samples,
        every_seconds=_EVERY_SECONDS,
        others=size.saturating,
    )
    return [
        Figure(
            "P7",
            when_idle,
            [
                Line("p50", "commit to start, worker idle, p50", "ms"),
                Line("p99", "commit to start, worker idle, p99", "ms"),
                Line("commit", "the commit itself, p50", "ms"),
            ],
        ),
        Figure(
            "P7",
            when_rare,
            [Line("p50", "commit to start, worker idle, one job each two seconds, p50", "ms")],
        ),
        Figure(
            "P8",
            when_saturated,
            [
                Line("p50", f"priority 100 before {size.saturating:,}, p50", "ms"),
                Line("p99", f"priority 100 before {size.saturating:,}, p99", "ms", at_most(100)),
            ],
        ),
    ]


def _costs(size: Size) -> list[Figure]:
    return [
        Figure(
            "P9",
            partial(cost.cost, count=size.jobs, keep_seconds=_DAY_SECONDS),
            [
                Line("wal", "WAL of a job, page images apart", "bytes", at_most(1_300)),
                Line("images", "page images of a job, after a checkpoint", "bytes"),
                Line("transactions", "transactions of a job", "", at_most(0.1)),
                Line("statements", "statements of a job", ""),
                Line("dead", "dead rows of a job", ""),
                Line("batch", "jobs of a claim", "", at_least(50)),
            ],
        ),
        Figure(
            "keep=0",
            partial(cost.without_keeping, count=size.jobs, keep_seconds=_DAY_SECONDS),
            [
                Line("wal", "WAL of a job with keep=0, against keeping", "", at_most(0.7)),
                Line("rate", "drain with keep=0, against keeping", ""),
                Line("dead", "dead rows of a job with keep=0", ""),
            ],
        ),
        Figure(
            "P10",
            partial(idle.idle, seconds=size.idle_seconds),
            [
                Line("statements", "statements, 4 idle children", "/s", at_most(4)),
                Line("connections", "connections, 4 idle children", "", at_most(2 * 4 + 3)),
            ],
        ),
        Figure(
            "P11",
            startup.startup,
            [
                Line("memory", "memory of a child at rest (PSS)", "MB", at_most(50)),
                Line("start", "start of a worker to its first job", "s", at_most(0.6)),
            ],
        ),
    ]


def _slots(size: Size) -> list[Figure]:
    drain_by_many = partial(queues.queues, count=size.jobs, children=size.children)
    when_due = partial(delays.when_due, count=size.samples, every_seconds=_EVERY_SECONDS)
    return [
        _ratio(
            "P12",
            f"{queues.QUEUES:,} queues and {size.children} children, against 1 queue",
            ours=partial(drain_by_many, are_many=True),
            against=partial(drain_by_many, are_many=False),
            goal=0.8,
        ),
        Figure(
            "P13",
            when_due,
            [
                Line("p50", "set time to start, p50", "s"),
                Line("p99", "set time to start, p99", "s", at_most(1)),
            ],
        ),
        Figure(
            "P14",
            partial(efficiency.efficiency, count=size.naps),
            [Line("efficiency", "share of 25 slots that jobs of 20 ms get", "", at_least(0.95))],
        ),
        Figure(
            "P16",
            partial(long_jobs.behind_long_jobs, count=size.short_samples),
            [
                Line("p50", "commit to start beside long jobs, p50", "s"),
                Line("p100", "commit to start beside long jobs, longest", "s", at_most(0.2)),
            ],
        ),
        Figure(
            "P17",
            partial(
                efficiency.over_long_link,
                count=size.naps,
                round_trip_seconds=_ROUND_TRIP_SECONDS,
            ),
            [Line("efficiency", "the same share over a link of 50 ms", "", at_least(0.85))],
        ),
    ]


def _fleet(size: Size, supervisors: int) -> Figure:
    return Figure(
        "P15",
        partial(
            fleet.fleet,
            supervisors=supervisors,
            count=size.rare_samples,
            rest_seconds=size.idle_seconds,
        ),
        [
            Line("rest", f"statements, {supervisors} idle supervisors", "/s", at_most(10)),
            Line("statements", f"statements of a lone job among {supervisors}", "", at_most(15)),
            Line("cpu", "its CPU at the server, against that of one", "", at_most(2)),
            Line("start", "its start, p50, against that of one", "", at_most(2)),
            Line("burst10", "last start of ten jobs of one commit, against that of one", ""),
            Line("burst1000", "last start of a thousand, against that of one", ""),
        ],
    )


def _ratio(name: str, title: str, *, ours: Rate, against: Rate, goal: float) -> Figure:
    line = Line("ratio", title, "", at_least(goal))
    return Figure(name, side_by_side(ours, against), [line])
