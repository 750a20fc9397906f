"""A greenlet worker's process becomes gevent's, and its plugins hear of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from python_path import python_path

_PLUGIN = """
told = []

def hear(event):
    told.append(type(event).__name__)
"""

_PROGRAM = """
import json
from importlib import metadata

looks = []
look = metadata.entry_points

def counted(**what):
    looks.append(what)
    return look(**what)

metadata.entry_points = counted

from pgqueue.worker.patching import patch

patch()

import plugin
from gevent import monkey

print(json.dumps({
    "is_patched": monkey.is_module_patched("socket"),
    "told": plugin.told,
    "looks": len(looks),
    "is_put_back": metadata.entry_points is counted,
}))
"""


@pytest.fixture
def patched(tmp_path: Path) -> dict[str, object]:
    """What a process tells that was patched where a plugin is installed."""
    told = tmp_path / "plugin-1.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1\n")
    (told / "entry_points.txt").write_text(
        "[gevent.plugins.monkey.will_patch_all]\nhear = plugin:hear\n"
        "[gevent.plugins.monkey.did_patch_module]\nhear = plugin:hear\n"
        "[gevent.plugins.monkey.did_patch_all]\nhear = plugin:hear\n"
    )
    (tmp_path / "plugin.py").write_text(_PLUGIN)
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env={**os.environ, "PYTHONPATH": python_path(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_plugins_hear_of_each_step(patched: dict[str, object]) -> None:
    told = patched["told"]

    assert patched["is_patched"]
    assert isinstance(told, list)
    assert ("GeventWillPatchAllEvent", "GeventDidPatchAllEvent") == (told[0], told[-1])
    assert 5 < told.count("GeventDidPatchModuleEvent")


def test_one_look_through_all_packages_serves_all_steps(patched: dict[str, object]) -> None:
    assert (1, True) == (patched["looks"], patched["is_put_back"])
