"""`python -m model`: walk through everything, and print the table and the shortest traces."""

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial

from model.checker import Report
from model.protocols import SCOPES, WRONG, right, wrong
from model.world import Scope


def main() -> int:
    """Print what was seen; 0 when the protocol breaks nothing."""
    asked = _arguments()
    scopes: Sequence[Scope] = SCOPES
    if asked.troubles:
        scopes = [Scope(asked.workers, asked.attempts, asked.troubles, asked.at_most_once)]
    is_broken = False
    for scope in scopes:
        report = _seen(f"the protocol: {scope}", partial(right, scope))
        is_broken = is_broken or bool(report.broken)
    if not asked.troubles:
        for name, one in WRONG.items():
            _seen(f"{name}: {one.what}", partial(wrong, name), *one.breaks)
    return int(is_broken)


def _seen(what: str, see: Callable[[], Report], *names: str) -> Report:
    begun = time.monotonic()
    report = see()
    seconds = time.monotonic() - begun
    print(f"\n{what}\n  {report.worlds:,} worlds in {seconds:.1f} s", flush=True)
    for name in names or report.broken:
        trace = report.broken[name]
        print(f"  {name} breaks after {len(trace)} steps:", *trace, sep="\n    ")
    return report


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="model", description="Walk through the lease protocol.")
    parser.add_argument("--troubles", type=int, default=0, help="go further, the protocol alone")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--attempts", type=int, default=2)
    parser.add_argument("--at-most-once", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
