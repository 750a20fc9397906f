"""The operating system's side of a child: whether its process runs, and how it ended."""

import os
import signal
import subprocess
import sys
import time

from pgqueue.core.clock import MONOTONIC, Clock, Stopwatch
from pgqueue.process.oom import oom_kills
from pgqueue.process.sessions import end_session

_WAIT_POLL_SECONDS = 0.01

# In place of an exit code, which is 255 at most.
_REAPED_ELSEWHERE = 256

_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


class ChildProcess:
    """A process that this one started and reaps; used on the supervisor's main thread.

    Args:
        process: Started a moment ago, in a session of its own; nothing else waits for it.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", clock: Clock = MONOTONIC) -> None:
        self.pid = process.pid
        self._process = process
        self._frozen: Stopwatch | None = None
        self._memory_bytes_max = 0
        self._oom_kills = oom_kills()
        self._clock = clock

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended; ends what it has started, and reaps it."""
        try:
            while self._process.returncode is None:
                if not self._collect_change():
                    return False
        except ChildProcessError:
            # The program ignores SIGCHLD, or waits for any child.
            self._process.returncode = _REAPED_ELSEWHERE
        return True

    def _collect_change(self) -> bool:
        if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            self._reap()
            return True
        try:
            change = os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WCONTINUED | os.WNOHANG)
        except ChildProcessError:
            # Linux raises it also for a process that ended since the call above. Look again: else
            # the process would not be reaped, and what its tasks have started would go on.
            return True
        if change is not None:
            is_frozen = change.si_code != os.CLD_CONTINUED
            self._frozen = Stopwatch(self._clock, started=True) if is_frozen else None
        return change is not None

    def _reap(self) -> None:
        # A program of a job must not run on beside the one that the job's next attempt starts.
        end_session(self.pid)
        # Not poll(): only wait4() returns the memory that was used.
        _, status, usage = os.wait4(self.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self._memory_bytes_max = usage.ru_maxrss * _MAXRSS_UNIT

    def is_frozen(self, seconds: float) -> bool:
        """Whether SIGSTOP, or a signal like it, has stopped the process for so long."""
        return not self.has_ended and self._frozen is not None and self._frozen.seconds >= seconds

    def wait(self) -> None:
        """Wait until the process has ended, and reap it."""
        while not self.has_ended:
            time.sleep(_WAIT_POLL_SECONDS)

    def kill(self) -> None:
        """Send SIGKILL, unless the process has ended."""
        if not self.has_ended:
            os.kill(self.pid, signal.SIGKILL)

    @property
    def exit_facts(self) -> str:
        """How the process ended, for a person."""
        return f"process {self.pid} {_describe_exit(self._process.returncode)}"

    @property
    def death_facts(self) -> str:
        """How a process ended that should have gone on, with its memory."""
        facts = self.exit_facts
        # A kill by the kernel and one by a person look alike, but for the kernel's count.
        if self._process.returncode == -signal.SIGKILL and oom_kills() > self._oom_kills:
            facts += ", as the kernel ran out of memory"
        return f"{facts}; its largest memory was {self._memory_bytes_max / 1e6:,.0f} MB"


def _describe_exit(returncode: int | None) -> str:
    if returncode is None:
        return "still runs"
    if returncode == _REAPED_ELSEWHERE:
        return "has ended; its exit code is unknown, as another part of this program took it"
    if returncode >= 0:
        return f"exited with code {returncode}"
    try:
        name = signal.Signals(-returncode).name
    except ValueError:
        name = "unnamed"
    return f"was ended by signal {-returncode} ({name})"
