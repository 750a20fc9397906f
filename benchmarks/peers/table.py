"""What was measured, for a person to read."""

import statistics
from collections.abc import Sequence

from rich.table import Table

from benchmarks.peers.environment import Environment
from benchmarks.peers.verdict import Rounds, Turns, wait

MEBIBYTE = 1 << 20


def table_of(environments: Sequence[Environment], turns: Turns) -> Table:
    """Medians, and least to most in brackets where rounds differ; one row a peer."""
    table = Table(
        "peer",
        "drain, 1 worker (jobs/s)",
        "drain, 2 workers (jobs/s)",
        "ours is",
        "snapshot held, last third (jobs/s)",
        "single (jobs/s)",
        "bulk (jobs/s)",
        "commit to start, p50 / p99 (ms)",
        "memory (MiB)",
        "first job (s)",
    )
    ours = [turn["drain_two"] for turn in turns.get("pgqueue", ())]
    for environment in environments:
        measured = turns[environment.peer.name]
        if measured:
            table.add_row(f"{environment.peer.name} {environment.version}", *_cells(measured, ours))
    return table


def settings_of(environments: Sequence[Environment]) -> Table:
    """How each peer was set up."""
    table = Table("peer", "jobs of a drain", "settings")
    for each in environments:
        table.add_row(each.peer.name, f"x {each.peer.jobs_share:g}", each.peer.settings)
    return table


def _cells(turns: Rounds, ours: Sequence[float]) -> list[str]:
    two = [turn["drain_two"] for turn in turns]
    return [
        _spread([turn["drain_one"] for turn in turns]),
        _spread(two),
        f"x {statistics.median(ours) / statistics.median(two):.2f}" if ours else "",
        held_cell(turns),
        _spread([turn["single"] for turn in turns]),
        _spread([rate for turn in turns for rate in turn["bulk"]]),
        f"{wait(turns, 50):.1f} / {wait(turns, 99):.1f}",
        _spread([turn["pss_bytes"] / MEBIBYTE for turn in turns]),
        f"{statistics.median(turn['first_start_seconds'] for turn in turns):.2f}",
    ]


def held_cell(turns: Rounds) -> str:
    """The rate at the end of a drain under a held snapshot, and its share of that without one."""
    rate = statistics.median(turn["held"]["last_third"] for turn in turns)
    share = statistics.median(
        turn["held"]["last_third"] / turn["free"]["last_third"] for turn in turns
    )
    done = min(turn["held"]["finished"] / turn["held"]["count"] for turn in turns)
    return f"{rate:,.0f}, x {share:.2f}" + (f", cut off at {done:.0%}" if done < 1 else "")


def _spread(values: Sequence[float]) -> str:
    middle, least, most = (f"{of(values):,.0f}" for of in (statistics.median, min, max))
    return middle if least == most else f"{middle} ({least} to {most})"
