-- End the workers whose lease has expired, of any supervisor; after an outage extend the leases.
--
-- Nobody can renew a lease while the database is away. The row of `contact` has the time at which a
-- supervisor reached the database last. A gap of more than half a lease counts as an outage: no
-- worker is ended, and all leases are extended by the gap but for a quarter of a lease. So leases
-- still end under supervisors that all live shortly, with gaps between them. No lease becomes
-- longer than a new one.
--
-- Index: workers_live (supervisor_id) where stopped_at is null, all of it: live workers only;
--        contact_pkey, one row.
-- Locks: the row of `contact`; then the workers. Rows locked by their own supervisor or by a claim
--        are skipped, for the next turn.
with gap as materialized (
  select extract(epoch from clock_timestamp() - contact.contact_at)::float8 as seconds
  from pgqueue.contact as contact
  for update of contact
),
recorded as (
  insert into pgqueue.contact as contact (contact_at)
  values (clock_timestamp())
  on conflict (is_only) do update set contact_at = excluded.contact_at
),
unrenewed as materialized (
  select worker.id, gap.seconds - %(lease_seconds)s::float8 / 4 as seconds
  from gap
  join pgqueue.workers as worker on worker.stopped_at is null
  where gap.seconds > %(lease_seconds)s::float8 / 2
  for no key update of worker skip locked
),
extended as (
  update pgqueue.workers as worker
  set lease_until = least(
    worker.lease_until + make_interval(secs => unrenewed.seconds),
    clock_timestamp() + make_interval(secs => %(lease_seconds)s::float8)
  )
  from unrenewed
  where worker.id = unrenewed.id
),
expired as materialized (
  select worker.id
  from pgqueue.workers as worker
  where worker.stopped_at is null
    and worker.lease_until < clock_timestamp()
    and coalesce((select gap.seconds from gap), 0) <= %(lease_seconds)s::float8 / 2
  for update of worker skip locked
)
update pgqueue.workers as worker
set
  stopped_at = clock_timestamp(),
  stop_reason = 'lease_expired',
  stop_detail = 'its supervisor last renewed its lease at ' || worker.last_seen_at
from expired
where worker.id = expired.id
returning worker.id;
