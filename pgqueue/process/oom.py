"""The kernel's count of processes that it killed because memory ran out."""

from pathlib import Path

_VMSTAT = Path("/proc/vmstat")


def oom_kills(vmstat: Path = _VMSTAT) -> int:
    """How many processes of this machine were killed since its start; 0 where none are counted.

    Kills at a container's limit count too. The count does not say which process was killed.
    """
    try:
        lines = vmstat.read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
