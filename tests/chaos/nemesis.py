"""Carries out a plan of faults at its times, each on a thread of its own, and tells the ledger.

Every fault that began is healed in the end, whatever happens to the run.
"""

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from chaos.faults.fault import Step
from chaos.ledger import Ledger
from chaos.world import World

_HEAL_SECONDS_MAX = 150.0


class Nemesis:
    """Takes the steps of a plan, once.

    Attributes:
        skipped: Why faults could not be caused, with how often.
    """

    def __init__(self, world: World, plan: Sequence[Step], ledger: Ledger) -> None:
        self.skipped: Counter[str] = Counter()
        self._world = world
        self._plan = plan
        self._ledger = ledger
        self._ending = threading.Event()
        self._threads: list[threading.Thread] = []

    def run(self) -> None:
        """Take all steps; returns when the last fault has been healed."""
        begun = time.monotonic()
        for step in self._plan:
            if self._ending.wait(max(0.0, begun + step.at_seconds - time.monotonic())):
                break
            thread = threading.Thread(target=self._take, args=[step], name=step.fault.name)
            self._threads.append(thread)
            thread.start()
        self.heal()

    def heal(self) -> None:
        """End all faults now, and wait until they have."""
        until = time.monotonic() + _HEAL_SECONDS_MAX
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def break_off(self) -> None:
        """Begin nothing more, and let no fault last any longer."""
        self._ending.set()
        self.heal()

    def _take(self, step: Step) -> None:
        course = step.fault.inflict(self._world, step)
        what = "skipped"
        # What a kill sets going is often there before the kill is told.
        begun_at = time.monotonic()
        try:
            facts = next(course)
            what = "healed"
            self._tell(step, "injected", facts, at=begun_at)
            self._ending.wait(step.seconds)
            self._tell(step, what, next(course, {}))
        except Exception as error:
            # The server may be away for a fault that needs it, or a disk may be missing; and a
            # fault may be ended by another one.
            reason = f"{type(error).__name__}: {error}".partition("\n")[0]
            if what == "skipped":
                self.skipped[f"{step.fault.name}, {reason}"] += 1
            self._tell(step, what, {"reason": reason})

    def _tell(self, step: Step, what: str, facts: Mapping[str, Any], **moment: float) -> None:
        self._ledger.append(
            {
                **moment,
                "number": step.number,
                "name": step.fault.name,
                "step": what,
                "facts": {"target": step.target, **facts},
            }
        )
