-- Notify as the function `notify` would, at the commit; nothing at PREPARE TRANSACTION, which fires
-- deferred triggers too. The polls of the supervisors find the jobs of a prepared transaction.
--
-- current_query() is null when an autocommitted statement of the extended protocol ends.
-- TG_TABLE_SCHEMA is the name of the schema after a rename, too.
create function pgqueue.wake_at_commit() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  channel constant text = tg_table_schema || '.' || to_hex(new.supervisor_id);
begin
  execute format('delete from %I.%I where id = $1', tg_table_schema, tg_table_name) using new.id;
  if coalesce(current_query(), '') !~* 'prepare\s+transaction'
    and pg_notification_queue_usage() < 0.5
    and octet_length(channel) <= 63
  then
    perform pg_notify(channel, new.payload);
  end if;
  return null;
end
$$;
