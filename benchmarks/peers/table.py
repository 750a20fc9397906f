"""The tables of the measurements."""

import statistics
from collections.abc import Sequence

from rich.table import Table

from benchmarks.peers.comparison import Rounds, RoundsByPeer, wait
from benchmarks.peers.environment import Environment

MEBIBYTE = 1 << 20


def table_of(environments: Sequence[Environment], by_peer: RoundsByPeer) -> Table:
    """One row a peer: medians, with least to most in brackets when rounds differ."""
    table = Table(
        "peer",
        "drain, 1 worker (jobs/s)",
        "drain, 2 workers (jobs/s)",
        "ours is",
        "under a snapshot, last third (jobs/s)",
        "single (jobs/s)",
        "bulk (jobs/s)",
        "commit to start, p50 / p99 (ms)",
        "memory (MiB)",
        "first job (s)",
    )
    ours = [figures["drain_two"] for figures in by_peer.get("pgqueue", ())]
    for environment in environments:
        measured = by_peer[environment.peer.name]
        if measured:
            table.add_row(f"{environment.peer.name} {environment.version}", *_cells(measured, ours))
    return table


def settings_of(environments: Sequence[Environment]) -> Table:
    """One row a peer: its settings."""
    table = Table("peer", "jobs of a drain", "settings")
    for environment in environments:
        peer = environment.peer
        table.add_row(peer.name, f"x {peer.jobs_share:g}", peer.settings)
    return table


def _cells(rounds: Rounds, ours: Sequence[float]) -> list[str]:
    two = [figures["drain_two"] for figures in rounds]
    return [
        _spread([figures["drain_one"] for figures in rounds]),
        _spread(two),
        f"x {statistics.median(ours) / statistics.median(two):.2f}" if ours else "",
        snapshot_cell(rounds),
        _spread([figures["single"] for figures in rounds]),
        _spread([rate for figures in rounds for rate in figures["bulk"]]),
        f"{wait(rounds, 50):.1f} / {wait(rounds, 99):.1f}",
        _spread([figures["pss_bytes"] / MEBIBYTE for figures in rounds]),
        f"{statistics.median(figures['first_start_seconds'] for figures in rounds):.2f}",
    ]


def snapshot_cell(rounds: Rounds) -> str:
    """The last rate of a drain under an open snapshot, and its share of the rate without one."""
    rate = statistics.median(figures["under_snapshot"]["last_third"] for figures in rounds)
    share = statistics.median(
        figures["under_snapshot"]["last_third"] / figures["without_snapshot"]["last_third"]
        for figures in rounds
    )
    done = min(
        figures["under_snapshot"]["finished"] / figures["under_snapshot"]["count"]
        for figures in rounds
    )
    return f"{rate:,.0f}, x {share:.2f}" + (f", cut off at {done:.0%}" if done < 1 else "")


def _spread(values: Sequence[float]) -> str:
    middle, least, most = (f"{of(values):,.0f}" for of in (statistics.median, min, max))
    return middle if least == most else f"{middle} ({least} to {most})"
