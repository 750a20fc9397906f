"""Faults begin at their times, and are always healed."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chaos import ledger
from chaos.faults.fault import Facts, Fault, Inflict, Step
from chaos.ledger import Ledger
from chaos.nemesis import Nemesis

_SYSTEM: Any = None


def test_a_fault_is_healed_after_its_seconds(tmp_path: Path) -> None:
    steps: list[str] = []

    def inject(system: object, step: Step) -> Iterator[Facts]:
        steps.append("inject")
        yield {"ids": [1]}
        steps.append("healed")
        yield {"dropped": 2}

    _nemesis(tmp_path, inject, seconds=0.01).run()

    assert ["inject", "healed"] == steps
    injected, healed = ledger.read(tmp_path / "faults.jsonl")
    assert ("injected", {"target": "a", "ids": [1]}) == (injected["step"], injected["facts"])
    assert ("healed", {"target": "a", "dropped": 2}) == (healed["step"], healed["facts"])


def test_an_interrupted_run_heals_its_faults(tmp_path: Path) -> None:
    injected, healed = threading.Event(), threading.Event()

    def inject(system: object, step: Step) -> Iterator[Facts]:
        injected.set()
        yield {}
        healed.set()

    nemesis = _nemesis(tmp_path, inject, seconds=600)
    runs = threading.Thread(target=nemesis.run, daemon=True)
    runs.start()
    assert injected.wait(5)

    nemesis.break_off()

    assert healed.is_set()


def test_a_fault_that_cannot_be_injected_is_counted_and_recorded(tmp_path: Path) -> None:
    def inject(system: object, step: Step) -> Iterator[Facts]:
        raise LookupError("no disk")
        yield {}

    nemesis = _nemesis(tmp_path, inject, seconds=0)
    nemesis.run()

    assert {"inject, LookupError: no disk": 1} == nemesis.skipped
    (line,) = ledger.read(tmp_path / "faults.jsonl")
    assert "skipped" == line["step"]


def _nemesis(folder: Path, inflict: Inflict, seconds: float) -> Nemesis:
    fault = Fault("inject", inflict, 1, (seconds, seconds), ("a",), ())
    step = Step(0, 0.0, fault, "a", seconds, 0.5)
    return Nemesis(_SYSTEM, [step], Ledger(folder / "faults.jsonl"))
