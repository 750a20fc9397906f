"""The known events of one job in their order, for a person who searches a cause."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import psycopg

_TIMELINES_MAX = 12
_PER_KIND_MAX = 3

_ROW = """
select id, args ->> 'key', task, status, attempt, failure_count, lost_count, worker_id, error
from pgqueue.jobs where id = %s
"""

_EVENTS = """
select at, text
from (
  select at, format('history %%s: %%s -> %%s, attempt %%s -> %%s, worker %%s -> %%s', application,
    old_status, new_status, old_attempt, new_attempt, old_worker_id, new_worker_id) as text
  from chaos.history where job_id = %(id)s
  union all
  select at, format('outside %%s: attempt %%s in process %%s', step, attempt, pid)
  from chaos.effects where job_id = %(id)s
  union all
  select finished_at, format('attempt %%s of worker %%s: %%s, started %%s, %%s: %%s', attempt,
    worker_id, outcome, started_at, error_type, left(error_message, 200))
  from pgqueue.attempts where job_id = %(id)s
  union all
  select worker.stopped_at, format('worker %%s of supervisor %%s, process %%s: %%s, %%s', worker.id,
    supervisor_id, pid, stop_reason, stop_detail)
  from pgqueue.workers as worker
  where worker.id in (
    select attempt.worker_id from pgqueue.attempts as attempt where attempt.job_id = %(id)s
  )
  union all
  select sent.at, format('sent: %%s', sent.outcome)
  from chaos.sends as sent
  join chaos.jobs as job on job.key = sent.key where job.id = %(id)s
  union all
  select fault.at, format('fault %%s %%s %%s', fault.name, fault.step, fault.facts)
  from chaos.faults as fault
  where fault.at between (select min(at) - interval '2 seconds' from chaos.history
      where job_id = %(id)s)
    and (select max(at) + interval '2 seconds' from chaos.history where job_id = %(id)s)
) as event
order by at
"""


def timelines_of(
    connection: "psycopg.Connection[Any]",
    broken: Mapping[str, Sequence[Mapping[str, Any]]],
    stuck: Sequence[Mapping[str, Any]],
) -> list[str]:
    """The timelines of some jobs of each kind of violation."""
    timelines = []
    for name, rows in (("stuck", stuck), *broken.items()):
        ids = dict.fromkeys(_ids(rows))
        for job_id in islice(ids, _PER_KIND_MAX):
            timelines.append(f"{name}, job {job_id}\n{_timeline(connection, job_id)}")
    return timelines[:_TIMELINES_MAX]


def _ids(rows: Iterable[Mapping[str, Any]]) -> Iterable[int]:
    for row in rows:
        job_id = row.get("job_id", row.get("id") if "task" in row or "key" in row else None)
        if job_id is not None:
            yield job_id


def _timeline(connection: "psycopg.Connection[Any]", job_id: int) -> str:
    lines = [f"  {row}" for row in connection.execute(_ROW.encode(), (job_id,))]
    events = connection.execute(_EVENTS.encode(), {"id": job_id})
    lines += [f"  {at:%H:%M:%S.%f} {text}" for at, text in events if at is not None]
    return "\n".join(lines)
