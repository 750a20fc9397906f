"""A greenlet worker's process becomes gevent's, and gevent notifies its plugins."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from python_path import python_path

_PLUGIN = """
events = []

def receive(event):
    events.append(type(event).__name__)
"""

_PROGRAM = """
import json
from importlib import metadata

searches = []
search = metadata.entry_points

def counted(**what):
    searches.append(what)
    return search(**what)

metadata.entry_points = counted

from pgqueue.worker.patching import patch

patch()

import plugin
from gevent import monkey

print(json.dumps({
    "is_patched": monkey.is_module_patched("socket"),
    "events": plugin.events,
    "search_count": len(searches),
    "is_restored": metadata.entry_points is counted,
}))
"""


@pytest.fixture
def patched(tmp_path: Path) -> dict[str, object]:
    """What a patched process reports, where a plugin is installed."""
    plugin = tmp_path / "plugin-1.dist-info"
    plugin.mkdir()
    (plugin / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1\n")
    (plugin / "entry_points.txt").write_text(
        "[gevent.plugins.monkey.will_patch_all]\nreceive = plugin:receive\n"
        "[gevent.plugins.monkey.did_patch_module]\nreceive = plugin:receive\n"
        "[gevent.plugins.monkey.did_patch_all]\nreceive = plugin:receive\n"
    )
    (tmp_path / "plugin.py").write_text(_PLUGIN)
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env={**os.environ, "PYTHONPATH": python_path(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    report: dict[str, object] = json.loads(done.stdout)
    return report


def test_plugins_are_notified_of_each_step(patched: dict[str, object]) -> None:
    events = patched["events"]

    assert patched["is_patched"]
    assert isinstance(events, list)
    assert ("GeventWillPatchAllEvent", "GeventDidPatchAllEvent") == (events[0], events[-1])
    assert 5 < events.count("GeventDidPatchModuleEvent")


def test_one_search_of_all_packages_serves_all_steps(patched: dict[str, object]) -> None:
    assert (1, True) == (patched["search_count"], patched["is_restored"])
