"""Injects the faults of a plan at their times, each on a thread, and records them in the ledger.

Every injected fault is healed at the end, also when the run is interrupted.
"""

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from chaos.faults.fault import Step
from chaos.ledger import Ledger
from chaos.system import System

_HEAL_SECONDS_MAX = 150.0


class Nemesis:
    """Makes the steps of a plan, once.

    Attributes:
        skipped: The reasons of faults that could not be injected, with their counts.
    """

    def __init__(self, system: System, plan: Sequence[Step], ledger: Ledger) -> None:
        self.skipped: Counter[str] = Counter()
        self._world = system
        self._plan = plan
        self._ledger = ledger
        self._ending = threading.Event()
        self._threads: list[threading.Thread] = []

    def run(self) -> None:
        """Make all steps; returns when the last fault is healed."""
        started_at = time.monotonic()
        for step in self._plan:
            if self._ending.wait(max(0.0, started_at + step.at_seconds - time.monotonic())):
                break
            thread = threading.Thread(target=self._take, args=[step], name=step.fault.name)
            self._threads.append(thread)
            thread.start()
        self.heal()

    def heal(self) -> None:
        """Wait until all faults are healed."""
        deadline = time.monotonic() + _HEAL_SECONDS_MAX
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def break_off(self) -> None:
        """Inject no further fault, and heal all faults now."""
        self._ending.set()
        self.heal()

    def _take(self, step: Step) -> None:
        steps = step.fault.inflict(self._world, step)
        phase = "skipped"
        # The effects of a kill are often visible before it is recorded.
        injected_at = time.monotonic()
        try:
            facts = next(steps)
            phase = "healed"
            self._record(step, "injected", facts, at=injected_at)
            self._ending.wait(step.seconds)
            self._record(step, phase, next(steps, {}))
        except Exception as error:
            # The server may be away, a disk may be missing, or another fault may end this one.
            reason = f"{type(error).__name__}: {error}".partition("\n")[0]
            if phase == "skipped":
                self.skipped[f"{step.fault.name}, {reason}"] += 1
            self._record(step, phase, {"reason": reason})

    def _record(self, step: Step, phase: str, facts: Mapping[str, Any], **moment: float) -> None:
        self._ledger.append(
            {
                **moment,
                "number": step.number,
                "name": step.fault.name,
                "step": phase,
                "facts": {"target": step.target, **facts},
            }
        )
