"""`python -m model`: explore the model, and print the table and the shortest traces."""

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial

from model.checker import Report
from model.protocols import SCOPES, WRONG, right, wrong
from model.state import Scope


def main() -> int:
    """Print the reports; the exit code is 0 when the protocol breaks no invariant."""
    arguments = _arguments()
    scopes: Sequence[Scope] = SCOPES
    if arguments.faults:
        scopes = [
            Scope(arguments.workers, arguments.attempts, arguments.faults, arguments.at_most_once)
        ]
    is_broken = False
    for scope in scopes:
        report = _print_report(f"the protocol: {scope}", partial(right, scope))
        is_broken = is_broken or bool(report.broken)
    if not arguments.faults:
        for name, protocol_ in WRONG.items():
            _print_report(f"{name}: {protocol_.title}", partial(wrong, name), *protocol_.breaks)
    return int(is_broken)


def _print_report(title: str, check: Callable[[], Report], *names: str) -> Report:
    started_at = time.monotonic()
    report = check()
    seconds = time.monotonic() - started_at
    print(f"\n{title}\n  {report.states:,} states in {seconds:.1f} s", flush=True)
    for name in names or report.broken:
        trace = report.broken[name]
        print(f"  {name} breaks after {len(trace)} steps:", *trace, sep="\n    ")
    return report


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="model", description="Explore the lease protocol.")
    parser.add_argument(
        "--faults", type=int, default=0, help="explore the protocol with this many faults"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--attempts", type=int, default=2)
    parser.add_argument("--at-most-once", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
