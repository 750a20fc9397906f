"""The record of a run outside the database."""

import subprocess
import sys
import time
from pathlib import Path

from chaos import ledger
from chaos.ledger import Ledger

_WRITER = """
import sys
from pathlib import Path
from chaos.ledger import Ledger
ledger_file = Ledger(Path(sys.argv[1]))
for number in range(500):
    ledger_file.append({"writer": sys.argv[2], "number": number, "text": "x" * 300})
"""


def test_lines_of_many_processes_are_whole_and_keep_the_order_of_each_process(
    tmp_path: Path,
) -> None:
    path = tmp_path / "sends.jsonl"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path), name], cwd=Path(__file__).parents[1]
        )
        for name in "ab"
    ]

    codes = [writer.wait(60) for writer in writers]

    lines = list(ledger.read(path))
    assert [0, 0] == codes
    assert 1000 == len(lines)
    for name in "ab":
        assert [*range(500)] == [line["number"] for line in lines if line["writer"] == name]


def test_a_line_gets_the_moment_of_its_writing_unless_it_has_one(tmp_path: Path) -> None:
    ledger_file = Ledger(tmp_path / "faults.jsonl", durable=True)

    ledger_file.append({"name": "kill"}, {"name": "heal", "at": 5.0})
    ledger_file.close()

    first, second = ledger.read(tmp_path / "faults.jsonl")
    assert 0.0 <= time.monotonic() - first["at"] < 60.0
    assert 5.0 == second["at"]


def test_a_ledger_without_a_file_is_empty(tmp_path: Path) -> None:
    assert [] == list(ledger.read(tmp_path / "effects.jsonl"))
