"""The figures that are measured, each with its goal; see docs/explanation/performance.md."""

from functools import partial

from benchmarks import (
    beginning,
    bulk,
    cost,
    delays,
    drain,
    efficiency,
    enqueueing,
    idle,
    pruning,
    queues,
    reference,
)
from benchmarks.figure import Figure, Line, Rate, side_by_side
from benchmarks.goal import at_least, at_most
from benchmarks.size import Size

# Between two jobs whose start is timed, on the average.
_EVERY_SECONDS = 0.03

# A connection that was idle for half a second is asked for life before the claim.
_RARELY_SECONDS = 2.0

_DAY_SECONDS = 86_400

_TWO = ("--processes", "2")


def figures(size: Size) -> list[Figure]:
    """All of them, in the order of the goals."""
    return [*_drains(size), *_enqueues(size), *_delays(size), *_costs(size), *_slots(size)]


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
            ours=partial(drain.ours, count=size.held, is_held=True),
            against=partial(drain.ours, count=size.held),
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
            partial(pruning.pruning, count=size.jobs, finished=size.over),
            [
                Line(
                    "ratio",
                    f"drain while {size.over:,} finished jobs are pruned, against kept",
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
            "the same, the server alone",
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
                Line("commit", "of that the commit itself, p50", "ms"),
            ],
        ),
        Figure(
            "P7",
            when_rare,
            [Line("p50", "the same, one job each two seconds, p50", "ms")],
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
            beginning.beginning,
            [
                Line("memory", "memory of a child at rest (PSS)", "MB", at_most(50)),
                Line("start", "start of a worker to its first job", "s", at_most(0.6)),
            ],
        ),
    ]


def _slots(size: Size) -> list[Figure]:
    crowd = partial(queues.queues, count=size.jobs, children=size.children)
    when_due = partial(delays.when_due, count=size.samples, every_seconds=_EVERY_SECONDS)
    return [
        _ratio(
            "P12",
            f"{queues.QUEUES:,} queues and {size.children} children, against 1 queue",
            ours=partial(crowd, are_many=True),
            against=partial(crowd, are_many=False),
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
    ]


def _ratio(name: str, title: str, *, ours: Rate, against: Rate, goal: float) -> Figure:
    line = Line("ratio", title, "", at_least(goal))
    return Figure(name, side_by_side(ours, against), [line])
