"""`python -m chaos --minutes 30 --seed 1`: make a run and report it.

Exit codes: 0 for a clean run, 1 when a violation was found, 2 for wrong usage.
"""

import argparse
import random
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType

from chaos import plan, report, run


def main() -> int:
    """Make one run; the exit code."""
    arguments = _arguments()
    seconds = arguments.minutes * 60
    print(report.header(arguments.seed, seconds), flush=True)
    if arguments.plan:
        print(*plan.draw(arguments.seed, seconds), sep="\n")
        return 0
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    home = run.folder()
    is_kept = arguments.keep
    try:
        outcome = run.make(arguments.seed, seconds, home)
        is_kept = is_kept or not outcome.is_clean
    except BaseException:
        is_kept = True
        raise
    finally:
        if is_kept:
            print(f"the ledger and the supervisors' logs are kept in {home}", flush=True)
        else:
            shutil.rmtree(home)
    print(report.text(outcome), flush=True)
    if arguments.json:
        report.write_json(outcome, arguments.json)
    return 0 if outcome.is_clean else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="chaos", description="Inject faults into pgqueue, and verify its invariants."
    )
    parser.add_argument("--minutes", type=float, default=30.0, help="minutes of faults")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--json", type=Path, help="where to write the report as JSON")
    parser.add_argument("--plan", action="store_true", help="only print the planned faults")
    parser.add_argument("--keep", action="store_true", help="keep the run's folder")
    return parser.parse_args()


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
