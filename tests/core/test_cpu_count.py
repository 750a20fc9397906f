"""The cores that a process may use: its affinity, and the CPU quota of every cgroup around it."""

import os
from pathlib import Path

import pytest

from pgqueue.core.cpu_count import cpu_quota, usable_cpus
from pgqueue.core.settings import load_settings

V2 = "31 23 0:28 {root} {at} rw,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate"
V1 = "32 31 0:29 {root} {at} rw,relatime - cgroup cgroup rw,cpu,cpuacct"
OTHER = "33 31 0:30 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset"
HYBRID = "40 31 0:41 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw"


def v2(root: str = "/", at: str = "/sys/fs/cgroup") -> str:
    return V2.format(root=root, at=at)


def v1(root: str = "/", at: str = "/sys/fs/cgroup/cpu,cpuacct") -> str:
    return V1.format(root=root, at=at)


CASES: dict[str, tuple[list[str], list[str], dict[str, str], float | None]] = {
    "v2, the container's own namespace": (
        ["0::/"],
        [v2()],
        {"sys/fs/cgroup/cpu.max": "150000 100000\n"},
        1.5,
    ),
    "v2, no quota": (["0::/"], [v2()], {"sys/fs/cgroup/cpu.max": "max 100000\n"}, None),
    "v2, the quota of a service of systemd": (
        ["0::/system.slice/shop.service"],
        [v2()],
        {
            "sys/fs/cgroup/system.slice/cpu.max": "max 100000\n",
            "sys/fs/cgroup/system.slice/shop.service/cpu.max": "200000 100000\n",
        },
        2.0,
    ),
    "v2, a smaller quota further up": (
        ["0::/pod/container"],
        [v2()],
        {
            "sys/fs/cgroup/pod/cpu.max": "50000 100000\n",
            "sys/fs/cgroup/pod/container/cpu.max": "400000 100000\n",
        },
        0.5,
    ),
    "v2, the host's path inside a container": (
        ["0::/docker/abc"],
        [v2("/docker/abc")],
        {"sys/fs/cgroup/cpu.max": "100000 100000\n"},
        1.0,
    ),
    "v2, moved out of the namespace": (
        ["0::/../../other"],
        [v2()],
        {"sys/fs/cgroup/cpu.max": "100000 50000\n"},
        2.0,
    ),
    "v1": (
        ["5:cpuset:/", "3:cpu,cpuacct:/docker/abc", "0::/"],
        [OTHER, v1("/docker/abc"), HYBRID],
        {
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "250000\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        },
        2.5,
    ),
    "v1, no quota": (
        ["3:cpu:/"],
        [v1()],
        {
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        },
        None,
    ),
    "a space in the mount point": (
        ["0::/"],
        [v2(at="/my\\040groups")],
        {"my groups/cpu.max": "100000 100000\n"},
        1.0,
    ),
    "the path holds a colon": (
        ["0::/a:b"],
        [v2()],
        {"sys/fs/cgroup/a:b/cpu.max": "100000 100000\n"},
        1.0,
    ),
    "nonsense": (
        ["", "0::", "x"],
        ["", "31 23", v2()],
        {"sys/fs/cgroup/cpu.max": "many 0\n"},
        None,
    ),
    "a period of zero": (["0::/"], [v2()], {"sys/fs/cgroup/cpu.max": "100000 0\n"}, None),
    "no quota file": (["0::/"], [v2()], {}, None),
}


def machine(folder: Path, groups: list[str], mounts: list[str], files: dict[str, str]) -> Path:
    """The root of a file system with these files."""
    own = {"proc/self/cgroup": "\n".join(groups), "proc/self/mountinfo": "\n".join(mounts)}
    for name, text in {**own, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("case", CASES)
def test_the_quota_is_the_smallest_of_all_cgroups_around_the_process(
    case: str, tmp_path: Path
) -> None:
    groups, mounts, files, quota = CASES[case]

    assert quota == cpu_quota(machine(tmp_path, groups, mounts, files))


def test_a_system_without_cgroups_has_no_quota(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path) is None


@pytest.mark.parametrize(
    ("quota", "cpus"), [("50000", 1), ("100000", 1), ("150000", 2), ("max", 8), ("6400000", 8)]
)
def test_a_part_of_a_core_counts_as_a_core_and_the_affinity_is_a_limit_too(
    quota: str, cpus: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("process_cpu_count", "cpu_count"):
        monkeypatch.setattr(os, name, lambda: 8, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    files = {"sys/fs/cgroup/cpu.max": f"{quota} 100000\n"}

    assert cpus == usable_cpus(machine(tmp_path, ["0::/"], [v2()], files))


def test_the_default_of_cpus_is_what_this_process_may_use(tmp_path: Path) -> None:
    assert usable_cpus() == load_settings(environ={}, folder=tmp_path).cpus
