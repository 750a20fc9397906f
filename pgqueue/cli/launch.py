"""The console script. For a supervisor it starts the first child before it imports Typer.

Typer takes a tenth of a second to import and to read the command line. The child imports
meanwhile, on another core.
"""

import sys
from contextlib import ExitStack

from pgqueue.cli.streams import OutputFailed, protect
from pgqueue.core.descriptors import open_standard_streams
from pgqueue.core.exit_codes import EXIT_FAILED


def launch() -> int:
    """Run the command of this process's command line; the exit code."""
    open_standard_streams()
    protect()
    try:
        code = _launch()
        sys.stdout and sys.stdout.flush()
        return code
    except OutputFailed as failure:
        if not failure.is_broken_pipe:
            print(f"pgqueue: {failure}", file=sys.stderr)
        return EXIT_FAILED


def _launch() -> int:
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
