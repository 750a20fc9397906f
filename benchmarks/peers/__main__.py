"""`python -m benchmarks.peers`: measure pgqueue and its peers, print tables and comparisons."""

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
from benchmarks.peers.comparison import comparisons
from benchmarks.peers.environment import Environment, NotInstalled, build
from benchmarks.peers.peer import Peer, all_peers
from benchmarks.peers.peer_round import Counts, PeerRound, RoundFailed
from benchmarks.peers.table import settings_of, table_of
from benchmarks.peers.workers import WorkerFailed
from benchmarks.server import Server, open_server

progress = Console(stderr=True, highlight=False)


def main() -> None:
    """Measure the peers of the command line; the exit code is 1 when one failed."""
    arguments = _arguments()
    peers = [peer for peer in all_peers() if not arguments.only or peer.name in arguments.only]
    environments, missing = _install(peers)
    counts = Counts(drain=arguments.jobs, single=arguments.singles, ping=arguments.pings)
    with open_server() as server:
        machine = (
            f"{server.about()}, shared by server and workers; "
            f"{arguments.rounds} rounds of {counts.drain:,} jobs"
        )
        by_peer, failed = _measure(server, environments, counts, arguments.rounds)
    console = Console(width=None if sys.stdout.isatty() else 220, highlight=False)
    console.print(machine)
    console.print(table_of(environments, by_peer))
    if goals := comparisons(by_peer):
        console.print(report.table(goals))
    console.print(settings_of(environments))
    for name, reason in {**missing, **failed}.items():
        console.print(f"{name}: {reason}", markup=False)
    if arguments.json:
        about = {
            environment.peer.name: [environment.version, environment.peer.settings]
            for environment in environments
        }
        results = {
            "machine": machine,
            "peers": about,
            "rounds": by_peer,
            "comparisons": report.rows(goals),
            "errors": {**missing, **failed},
        }
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(results, indent=2))
    sys.exit(1 if failed else 0)


def _install(peers: Sequence[Peer]) -> tuple[list[Environment], dict[str, str]]:
    environments: list[Environment] = []
    missing: dict[str, str] = {}
    for peer in peers:
        progress.print(f"installing {peer.name}")
        try:
            environments.append(build(peer))
        except NotInstalled as error:
            missing[peer.name] = f"not installed: {error}"
    return environments, missing


def _measure(
    server: Server, environments: Sequence[Environment], counts: Counts, rounds: int
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str]]:
    by_peer: dict[str, list[dict[str, Any]]] = {
        environment.peer.name: [] for environment in environments
    }
    failed: dict[str, str] = {}
    for number in range(1, rounds + 1):
        for environment in environments:
            name = environment.peer.name
            if name in failed:
                continue
            load = os.getloadavg()[0]
            progress.print(f"round {number} of {rounds}: {name} (load {load:.1f})")
            try:
                figures = PeerRound(server, environment, counts).measure()
            except (RoundFailed, WorkerFailed, psycopg.Error) as error:
                failed[name] = f"failed in round {number}: {error}"
                progress.print(f"{name} {failed[name]}", style="red", markup=False)
            else:
                by_peer[name].append({**figures, "round": number, "load_before": load})
    return by_peer, failed


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks.peers", description="Measure pgqueue and its peers."
    )
    names = [peer.name for peer in all_peers()]
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each peer (%(default)s)")
    parser.add_argument(
        "--jobs",
        type=int,
        default=20_000,
        help="jobs of a drain (%(default)s); slow peers get fewer",
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
