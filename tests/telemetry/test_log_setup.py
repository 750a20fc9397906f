"""The settings `log_…` decide who prints the lines of a process, and in which form."""

import json
import subprocess
import sys

import pytest

SET_UP = """
import logging, sys
from types import SimpleNamespace
from pgqueue.core.events.event import emit
from pgqueue.core.events.workers import SupervisorStopped
from pgqueue.core.job_context import JobContext, enter
from pgqueue.telemetry import log_setup

def settings(**changed):
    defaults = dict(log_level="INFO", log_format="text", log_jobs=False, log_config="pgqueue")
    return SimpleNamespace(**{**defaults, **changed})

def enter_job(*secrets):
    enter(JobContext(id=7, attempt=2, task="shop.f", args={}, host=None, secrets=secrets))
"""


def printed(code: str) -> list[str]:
    """The lines of a process that has run this after the set-up."""
    command = [sys.executable, "-c", SET_UP + code]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=60
    ).stderr.splitlines()


def test_events_are_printed_once_however_often_the_lines_are_set_up() -> None:
    [line] = printed(
        "log_setup.print_lines(settings())\n"
        "log_setup.print_lines(settings())\n"
        "emit(SupervisorStopped(supervisor_id=2))\n"
    )

    assert line.endswith("INFO    supervisor stopped  supervisor_id=2")


@pytest.mark.parametrize("end", ["sys.stderr.close()", "import os; os.close(2)"])
def test_a_line_that_cannot_be_printed_raises_nothing(end: str) -> None:
    assert [] == printed(
        f"log_setup.print_lines(settings())\n{end}\nlogging.getLogger('shop').error('lost')\n"
    )


def test_a_logger_class_of_the_application_makes_records_with_the_job() -> None:
    [line] = printed(
        "class Own(logging.Logger):\n"
        "    def makeRecord(self, *args, **kwargs):\n"
        "        return super().makeRecord(*args, **kwargs)\n"
        "logging.setLoggerClass(Own)\n"
        "log_setup.print_lines(settings())\n"
        "enter_job()\n"
        "logging.getLogger('shop').error('late', extra={'task': 'mine'})\n"
    )

    assert line.endswith("ERROR   late  task=mine job_id=7 attempt=2")


def test_json_lines_are_strict_json_without_secrets_whatever_the_fields_hold() -> None:
    [line] = printed(
        "log_setup.print_lines(settings(log_format='json'))\n"
        "enter_job('s\"cret')\n"
        "fields = dict(a='s\"cret', b=float('nan'), c=10**30, d=[1], e='é\\n', level='my', f=1.5)\n"
        "logging.getLogger('shop').error('the %s', 's\"cret', extra=fields)\n"
    )

    document = json.loads(line, parse_constant=pytest.fail)
    assert "cret" not in line
    assert {"b": "nan", "c": str(10**30), "d": "[1]", "e": "é\n", "level_": "my", "f": 1.5} == {
        name: document[name] for name in ("b", "c", "d", "e", "level_", "f")
    }
    assert ("ERROR", "shop", 7, "shop.f") == tuple(
        document[name] for name in ("level", "logger", "job_id", "task")
    )


@pytest.mark.parametrize(
    ("configure", "lines"),
    [
        ("", ["supervisor stopped  supervisor_id=2"]),
        ("logging.basicConfig(level='INFO', format='%(message)s')", ["supervisor stopped", "own"]),
        (
            "logging.getLogger('shop').addHandler(logging.StreamHandler())",
            ["supervisor stopped  supervisor_id=2", "own"],
        ),
    ],
    ids=["no handler", "on the root", "on the application's logger"],
)
def test_an_application_that_configures_logging_gets_each_line_once(
    configure: str, lines: list[str]
) -> None:
    found = printed(
        "own = settings(log_config='app')\n"
        f"log_setup.prepare(own)\n{configure}\nlog_setup.complete(own)\n"
        "emit(SupervisorStopped(supervisor_id=2))\n"
        "logging.getLogger('shop').handlers and logging.getLogger('shop').error('own')\n"
        "logging.getLogger().handlers and logging.getLogger('shop').error('own')\n"
    )

    assert lines == [line.rpartition("INFO    ")[2] for line in found]
