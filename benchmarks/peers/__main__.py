"""`python -m benchmarks.peers`: measure pgqueue and its peers in turns, print a table, judge."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console

from benchmarks import report
from benchmarks.peers.crew import CrewFailed
from benchmarks.peers.environment import Environment, NotInstalled, build
from benchmarks.peers.peer import Peer, all_peers
from benchmarks.peers.table import settings_of, table_of
from benchmarks.peers.turn import Counts, Turn, TurnFailed
from benchmarks.peers.verdict import verdicts
from benchmarks.place import Place, opened

progress = Console(stderr=True, highlight=False)


def main() -> None:
    """Measure whom was asked for; exit code 1 where one of them failed."""
    asked = _arguments()
    peers = [peer for peer in all_peers() if not asked.only or peer.name in asked.only]
    environments, missing = _install(peers)
    counts = Counts(drain=asked.jobs, single=asked.singles, ping=asked.pings)
    with opened() as place:
        machine = (
            f"{place.about()}, shared by server and workers; "
            f"{asked.rounds} rounds of {counts.drain:,} jobs"
        )
        turns, failed = _measure(place, environments, counts, asked.rounds)
    console = Console(width=None if sys.stdout.isatty() else 220, highlight=False)
    console.print(machine)
    console.print(table_of(environments, turns))
    if judged := verdicts(turns):
        console.print(report.table(judged))
    console.print(settings_of(environments))
    for name, reason in {**missing, **failed}.items():
        console.print(f"{name}: {reason}", markup=False)
    if asked.json:
        about = {each.peer.name: [each.version, each.peer.settings] for each in environments}
        what = {
            "machine": machine,
            "peers": about,
            "turns": turns,
            "verdicts": report.rows(judged),
            "faults": {**missing, **failed},
        }
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps(what, indent=2))
    sys.exit(1 if failed else 0)


def _install(peers: Sequence[Peer]) -> tuple[list[Environment], dict[str, str]]:
    environments: list[Environment] = []
    missing: dict[str, str] = {}
    for peer in peers:
        progress.print(f"installing {peer.name}")
        try:
            environments.append(build(peer))
        except NotInstalled as fault:
            missing[peer.name] = f"not installed: {fault}"
    return environments, missing


def _measure(
    place: Place, environments: Sequence[Environment], counts: Counts, rounds: int
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str]]:
    turns: dict[str, list[dict[str, Any]]] = {each.peer.name: [] for each in environments}
    failed: dict[str, str] = {}
    for number in range(1, rounds + 1):
        for environment in environments:
            name = environment.peer.name
            if name in failed:
                continue
            load = os.getloadavg()[0]
            progress.print(f"round {number} of {rounds}: {name} (load {load:.1f})")
            try:
                turn = Turn(place, environment, counts).measure()
            except (TurnFailed, CrewFailed, psycopg.Error) as fault:
                failed[name] = f"failed in round {number}: {fault}"
                progress.print(f"{name} {failed[name]}", style="red", markup=False)
            else:
                turns[name].append({**turn, "round": number, "load_before": load})
    return turns, failed


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks.peers", description="Measure pgqueue and its peers."
    )
    names = [peer.name for peer in all_peers()]
    parser.add_argument("--rounds", type=int, default=3, help="turns of each peer (%(default)s)")
    parser.add_argument(
        "--jobs", type=int, default=20_000, help="of a drain (%(default)s); slow peers get fewer"
    )
    parser.add_argument(
        "--singles", type=int, default=500, help="jobs enqueued one by one (%(default)s)"
    )
    parser.add_argument(
        "--pings", type=int, default=100, help="jobs to an idle worker (%(default)s)"
    )
    parser.add_argument(
        "--only", nargs="+", metavar="PEER", choices=names, help=f"peers: {', '.join(names)}"
    )
    parser.add_argument("--json", type=Path, help="where to write every round as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
