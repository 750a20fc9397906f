"""The console script. For a supervisor it starts the first child before it imports Typer.

Typer takes a tenth of a second to import and to read the command line. The child imports
meanwhile, on another core.
"""

import sys
from contextlib import ExitStack

from pgqueue.core.descriptors import open_standard_streams


def launch() -> int:
    """Run the command of this process's command line; the exit code."""
    open_standard_streams()
    with ExitStack() as stack:
        spare = None
        if sys.argv[1:2] == ["worker"] and "--help" not in sys.argv:
            # Here, because no other command needs these imports.
            from pgqueue.process import signals

            stack.enter_context(signals.exit_on_stop(ends_process=True))
            from pgqueue.process.spare_process import SpareProcess

            spare = stack.enter_context(SpareProcess("greenlet"))
        from pgqueue.cli.app import main

        return main(spare=spare)
