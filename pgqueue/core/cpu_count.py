"""How many cores this process may use: a container often may use fewer than its machine has.

The quota is read from the files of Linux's cgroups, version 1 and 2. A bound process has a
smaller affinity instead.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from math import ceil
from pathlib import Path
from typing import Final

_ROOT: Final = Path("/")


def usable_cpus(root: Path = _ROOT) -> int:
    """Return the cores that this process may use, at least 1; a part of a core counts as one."""
    cpus = _bound_cpus()
    quota = cpu_quota(root)
    return cpus if quota is None else max(1, min(cpus, ceil(quota)))


def _bound_cpus() -> int:
    # Python 3.13 has a function, which a person may override by PYTHON_CPU_COUNT.
    if hasattr(os, "process_cpu_count"):
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_quota(root: Path = _ROOT) -> float | None:
    """Return the cores that the cgroups around this process allow; None without a quota.

    Args:
        root: The folder in which the files of the system are looked up.
    """
    return min(_quotas(root), default=None)


def _quotas(root: Path) -> Iterator[float]:
    groups = dict(_groups(_text(root / "proc/self/cgroup")))
    for line in _text(root / "proc/self/mountinfo").splitlines():
        mount, _, system = line.partition(" - ")
        mount_fields, system_fields = mount.split(), system.split()
        if len(mount_fields) < 5 or len(system_fields) < 3:
            continue
        kind, _, options = system_fields[:3]
        controller = {"cgroup2": "", "cgroup": "cpu"}.get(kind)
        if controller is None or controller not in groups:
            continue
        if kind == "cgroup" and "cpu" not in options.split(","):
            continue
        top = root / _unescaped(mount_fields[4]).lstrip("/")
        inside = _inside(_unescaped(mount_fields[3]), groups[controller])
        # A limit holds for all groups below it.
        for folder in (top / inside, *(top / inside).parents):
            with suppress(ValueError, ZeroDivisionError):
                yield from _quota(folder, kind)
            if folder == top:
                break


def _groups(text: str) -> Iterator[tuple[str, str]]:
    """The path of this process's group by controller; "" stands for version 2."""
    for line in text.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number and path:
            yield from ((controller, path) for controller in controllers.split(","))


def _inside(mounted: str, path: str) -> str:
    """The path of a group below its mount, which may show only a part of the tree."""
    parts = Path(path).parts[1:]
    shown = Path(mounted).parts[1:]
    if ".." in parts or parts[: len(shown)] != shown:
        return ""
    return str(Path(*parts[len(shown) :]))


def _quota(folder: Path, kind: str) -> Iterator[float]:
    if kind == "cgroup2":
        quota, _, period = _text(folder / "cpu.max").strip().partition(" ")
    else:
        quota = _text(folder / "cpu.cfs_quota_us").strip()
        period = _text(folder / "cpu.cfs_period_us").strip()
    if quota not in ("", "max", "-1"):
        yield int(quota) / int(period)


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""


def _unescaped(path: str) -> str:
    # The kernel writes a space as \040, and other separators alike.
    return path.encode().decode("unicode_escape").encode("latin-1").decode(errors="replace")
