"""The steps of workers: claim, reconcile, start, settle, complete, and write logs."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

import psycopg
from hypothesis import strategies as st

from model import protocol
from model.harness import (
    JOBS_MAX,
    NTH,
    SOME,
    TASK,
    Harness,
    claim_statement,
    open_token,
    settlement_of,
    step_when,
    token_of,
)
from model.protocol import End
from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.store import (
    claims,
    logs,
    progress,
    settlements,
)
from pgqueue.store.claims import read_claimed
from pgqueue.store.logs import NewLogLine
from pgqueue.store.progress import Progress
from pgqueue.store.statement import run
from pgqueue.worker.active_attempt import ActiveAttempt, Receipt
from pgqueue.worker.reconciliation import reconcile


class WorkerSteps(Harness):
    """The statements of a worker, each compared with the model."""

    @step_when(
        lambda self: self._with_status(JobStatus.QUEUED),
        nth=NTH,
        jobs_max=st.integers(1, JOBS_MAX),
        slots_free=st.integers(0, JOBS_MAX),
        reply_arrives=st.booleans(),
    )
    def claim(self, nth: int, jobs_max: int, slots_free: int, reply_arrives: bool) -> None:
        """A claim takes the ready jobs in their order, also when its reply is lost."""
        worker = self._worker(nth, likely=self._ready)
        ready = self._ready(worker)
        numbered = enumerate(ready[:jobs_max], 1)
        expected = [
            entry
            for _, entry in takewhile(
                lambda pair: pair[0] <= slots_free or not pair[1].job.is_once, numbered
            )
        ]

        claimed = run(self.link, claim_statement(worker.id, jobs_max, slots_free))

        for entry in expected:
            entry.job = protocol.claimed(entry.job, worker.id)
        assert [open_token(entry) for entry in expected] == list(map(token_of, claimed))
        if reply_arrives:
            worker.running.add(ActiveAttempt(attempt, TASK, Receipt(0.0)) for attempt in claimed)
        self.tokens += claimed

    @step_when(lambda self: self.tokens, nth=NTH)
    def reconciliation(self, nth: int) -> None:
        """Reconciliation finds the unknown claims of a worker, and its lost attempts."""
        worker = self._worker(nth)
        active_by_token = {active.key: active for active in worker.running.all()}
        mine = {
            (entry.id, entry.job.attempt)
            for entry in self._present()
            if entry.job.is_running and entry.job.worker == worker.id
        }

        reconciliation = reconcile(self.link, worker.running, worker.id)

        unknown = reconciliation.unknown_claims
        assert mine - active_by_token.keys() == set(unknown)
        assert active_by_token.keys() - mine == {active.key for active in reconciliation.revoked}
        found = run(self.link, read_claimed(worker.id, unknown))
        worker.running.add(ActiveAttempt(claim, TASK, Receipt(0.0)) for claim in found)
        for active in reconciliation.revoked:
            worker.running.remove(active)

    @step_when(lambda self: self.tokens, nth=NTH)
    def start(self, nth: int) -> None:
        """A start is written to the scoreboard of its worker."""
        token = self._token(nth)
        active = self._active(token)
        if active is not None and active.started_at is None:
            self.all_workers[token.worker_id].running.start(active)

    @step_when(
        lambda self: self.tokens,
        nths=SOME,
        outcome=st.sampled_from(Outcome),
        is_started=st.booleans(),
        is_retryable=st.booleans(),
        delay_seconds=st.sampled_from([None, 0.0, 600.0]),
        reply_arrives=st.booleans(),
    )
    def settle(
        self,
        nths: Sequence[int],
        outcome: Outcome,
        is_started: bool,
        is_retryable: bool,
        delay_seconds: float | None,
        reply_arrives: bool,
    ) -> None:
        """A batch of settlements ends the open attempts, and changes no other one."""
        tokens = list({token_of(token): token for token in map(self._token, nths)}.values())
        expected = {}
        for token in tokens:
            if (entry := self._owned_entry(token)) is not None:
                is_delayed = (
                    entry.options.is_delayed if delay_seconds is None else delay_seconds > 0
                )
                end = End(outcome, is_started, is_retryable, is_delayed)
                expected[token.id, token.attempt] = entry.settle(token, end)

        answer = run(
            self.link,
            settlements.settle(
                replace(
                    settlement_of(token, outcome, is_started),
                    retryable=is_retryable,
                    delay_seconds=delay_seconds,
                )
                for token in tokens
            ),
        )

        assert expected == answer
        for token in tokens if reply_arrives else ():
            self._remove_active(token)

    @step_when(lambda self: self.tokens, nth=NTH)
    def settle_locked(self, nth: int) -> None:
        """A settlement of a locked job returns no status, so its worker repeats it."""
        token = self._token(nth)
        is_owned = self._owned_entry(token) is not None

        with self.other.transaction():
            self._lock_all()
            answer = run(
                self.link, settlements.settle([settlement_of(token, Outcome.FAILED, True)])
            )

        assert ({(token.id, token.attempt): None} if is_owned else {}) == answer

    @step_when(lambda self: self.tokens, nth=NTH, commits=st.booleans())
    def complete(self, nth: int, commits: bool) -> None:
        """A task completes its job in its own transaction, which commits or rolls back."""
        token = self._token(nth)
        entry = self._owned_entry(token)

        with self.other.transaction():
            is_owned = run(self.other, claims.lock_attempt(*token_of(token)))
            settlement = settlement_of(token, Outcome.SUCCEEDED, True)
            answer = run(self.other, settlements.settle([settlement]))
            assert (entry is not None) == is_owned == bool(answer)
            if not commits:
                raise psycopg.Rollback

        if entry is not None and commits:
            entry.settle(token, End(Outcome.SUCCEEDED, True))

    @step_when(lambda self: self.tokens)
    def write_logs_and_progress(self) -> None:
        """Only owned attempts of all attempts are locked, and accept log lines and progress."""
        self.writes += 1
        # The newest attempt comes first, so that a wrong write of an older one would be found.
        tokens = list(map(token_of, reversed(self.tokens)))
        owned = [token_of(token) for token in reversed(self.tokens) if self._owned_entry(token)]
        texts = {token: f"{self.writes} {token}" for token in tokens}

        lines = [
            NewLogLine(*each, 0.0, "INFO", "model", texts[each], self.writes) for each in tokens
        ]
        run(self.link, logs.add_log_lines(lines))
        for token in tokens:
            run(self.link, progress.write_progress([Progress(*token, 0.5, texts[token])]))

        for query in _WRITTEN:
            rows = self._rows(query, texts=list(texts.values()))
            assert sorted((token[0], texts[token]) for token in owned) == rows
        assert owned == [token for token in tokens if run(self.link, claims.lock_attempt(*token))]


_WRITTEN = (
    "select job_id, message from pgqueue.logs where message = any(%(texts)s) order by 1",
    "select id, progress_message from pgqueue.jobs where progress_message = any(%(texts)s)"
    " order by 1",
)
