"""The active attempts of a worker by their keys, also where a key is claimed once more.

A sequence that was reset or restored behind its table repeats the ids of jobs. The row of the older
job is gone: an outcome of its attempt would be recorded for the newer job.
"""

from collections.abc import Iterable

from pgqueue.store.claims import AttemptKey, ClaimedAttempt
from pgqueue.worker.active_attempt import ActiveAttempt


class AttemptsByKey(dict[AttemptKey, ActiveAttempt]):
    """Attempts by key. The fetcher adds, the finisher discards.

    Attributes:
        has_disowned: Whether an attempt was disowned. The fetcher, and only from False to True.
    """

    has_disowned = False

    def disown(self, claimed: Iterable[ClaimedAttempt]) -> list[ActiveAttempt]:
        """Disown the attempts whose keys are claimed once more; returns them."""
        older = [self.get((row.id, row.attempt)) for row in claimed]
        disowned = [attempt for attempt in older if attempt is not None]
        for attempt in disowned:
            self.has_disowned = True
            # No row has a negative number, and no other attempt this one.
            key, new_key = attempt.key, (attempt.claimed.id, -id(attempt))
            # Added before it is removed: the finisher may discard it at any moment, by either key.
            self[new_key] = attempt
            attempt.disown(new_key)
            if self.pop(key, None) is None:
                self.pop(new_key, None)  # the finisher has discarded it meanwhile
        return disowned

    def discard(self, attempt: ActiveAttempt) -> bool:
        """Remove an attempt; returns whether it was there."""
        removed = self.pop(attempt.key, None)
        if removed is not None and removed is not attempt:
            # The fetcher disowned it between two steps of that line, and added a newer attempt.
            self[removed.key] = removed
            removed = self.pop(attempt.key, None)
        return removed is not None
