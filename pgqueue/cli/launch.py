"""The console script: a supervisor begins its first child before it imports Typer and a command.

Typer takes a tenth of a second until it has read the words. The child imports meanwhile, on
another core.
"""

import sys
from contextlib import ExitStack


def launch() -> int:
    """Run the command that this process was started for; the exit code."""
    with ExitStack() as stack:
        spare = None
        if sys.argv[1:2] == ["worker"] and "--help" not in sys.argv:
            # Here, because no other command needs them.
            from pgqueue.process import signals

            stack.enter_context(signals.exit_on_stop())
            from pgqueue.process.spare_process import SpareProcess

            spare = stack.enter_context(SpareProcess("greenlet"))
        from pgqueue.cli.app import main

        return main(spare=spare)
