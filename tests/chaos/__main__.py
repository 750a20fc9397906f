"""`python -m chaos --minutes 30 --seed 1`: make a run and report it.

Exit codes: 0 when nothing at all was found, 1 when something was, 2 for wrong usage.
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
    asked = _arguments()
    seconds = asked.minutes * 60
    print(report.header(asked.seed, seconds), flush=True)
    if asked.plan:
        print(*plan.draw(asked.seed, seconds), sep="\n")
        return 0
    signal.signal(signal.SIGTERM, _broken_off)
    signal.signal(signal.SIGHUP, _broken_off)
    home = run.folder()
    is_kept = asked.keep
    try:
        outcome = run.make(asked.seed, seconds, home)
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
    if asked.json:
        report.write_json(outcome, asked.json)
    return 0 if outcome.is_clean else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chaos", description="Hurt pgqueue, and look.")
    parser.add_argument("--minutes", type=float, default=30.0, help="of faults")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--json", type=Path, help="where to write the report as JSON")
    parser.add_argument("--plan", action="store_true", help="only print what would be done")
    parser.add_argument("--keep", action="store_true", help="keep the run's folder")
    return parser.parse_args()


def _broken_off(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
