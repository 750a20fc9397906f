"""The kernel's count of processes that it ended for want of memory."""

from pathlib import Path

_VMSTAT = Path("/proc/vmstat")


def oom_kills(vmstat: Path = _VMSTAT) -> int:
    """How many processes of this machine were ended since its start; 0 where none are counted.

    A container's limit counts here too. The count says that somebody was ended, not who.
    """
    try:
        lines = vmstat.read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
