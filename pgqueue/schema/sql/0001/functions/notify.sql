-- Notify one supervisor when the caller's transaction commits. Supervisors poll as well, so a
-- notification is a hint, and must not make the transaction fail:
--
--   - PostgreSQL refuses PREPARE TRANSACTION after NOTIFY. Where transactions can be prepared, a row
--     of wake_ups notifies at the commit: see wake_at_commit.
--   - NOTIFY fails at the commit while the server's queue of notifications is full, which a listener
--     of any database may cause that no longer reads. Nothing is sent from half full on.
--   - Each supervisor has a channel: the name of the schema, also after a rename, and the id of the
--     supervisor in hexadecimal. A name that the settings take leaves room for it. A longer one gets
--     no notification, as a channel has 63 bytes at most.
create function pgqueue.notify(supervisor_id bigint, payload text) returns void
language sql
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  insert into pgqueue.wake_ups (supervisor_id, payload)
  select notify.supervisor_id, notify.payload
  where current_setting('max_prepared_transactions') <> '0';

  select pg_notify(channel.name, notify.payload)
  from (
    select namespace.nspname || '.' || to_hex(notify.supervisor_id) as name
    from pg_class as relation
    join pg_namespace as namespace on namespace.oid = relation.relnamespace
    where relation.oid = 'pgqueue.jobs'::regclass
  ) as channel
  where current_setting('max_prepared_transactions') = '0'
    and pg_notification_queue_usage() < 0.5
    and octet_length(channel.name) <= 63;
end;
