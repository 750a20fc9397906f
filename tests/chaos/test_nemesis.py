"""Faults begin at their times, and end whatever happens."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chaos import ledger
from chaos.faults.fault import Facts, Fault, Inflict, Step
from chaos.ledger import Ledger
from chaos.nemesis import Nemesis

_WORLD: Any = None


def test_a_fault_is_healed_after_its_seconds(tmp_path: Path) -> None:
    course: list[str] = []

    def hurt(world: object, step: Step) -> Iterator[Facts]:
        course.append("hurt")
        yield {"ids": [1]}
        course.append("healed")
        yield {"dropped": 2}

    _nemesis(tmp_path, hurt, seconds=0.01).run()

    assert ["hurt", "healed"] == course
    injected, healed = ledger.read(tmp_path / "faults.jsonl")
    assert ("injected", {"target": "a", "ids": [1]}) == (injected["step"], injected["facts"])
    assert ("healed", {"target": "a", "dropped": 2}) == (healed["step"], healed["facts"])


def test_a_run_that_is_broken_off_heals_what_lasts(tmp_path: Path) -> None:
    hurts, healed = threading.Event(), threading.Event()

    def hurt(world: object, step: Step) -> Iterator[Facts]:
        hurts.set()
        yield {}
        healed.set()

    nemesis = _nemesis(tmp_path, hurt, seconds=600)
    runs = threading.Thread(target=nemesis.run, daemon=True)
    runs.start()
    assert hurts.wait(5)

    nemesis.break_off()

    assert healed.is_set()


def test_a_fault_that_cannot_be_caused_is_counted_and_told(tmp_path: Path) -> None:
    def hurt(world: object, step: Step) -> Iterator[Facts]:
        raise LookupError("no disk")
        yield {}

    nemesis = _nemesis(tmp_path, hurt, seconds=0)
    nemesis.run()

    assert {"hurt, LookupError: no disk": 1} == nemesis.skipped
    (line,) = ledger.read(tmp_path / "faults.jsonl")
    assert "skipped" == line["step"]


def _nemesis(folder: Path, inflict: Inflict, seconds: float) -> Nemesis:
    fault = Fault("hurt", inflict, 1, (seconds, seconds), ("a",), ())
    step = Step(0, 0.0, fault, "a", seconds, 0.5)
    return Nemesis(_WORLD, [step], Ledger(folder / "faults.jsonl"))
