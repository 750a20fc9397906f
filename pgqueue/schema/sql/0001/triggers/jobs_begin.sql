-- Refuse a new job whose status only a worker may set; nothing unblocks a job inserted as blocked.
--
-- COPY writes the status itself. The trigger fires after the insert: a trigger before it makes
-- COPY insert row by row. The privilege decides, because COPY does not work with row security.
create trigger jobs_begin after insert on pgqueue.jobs
for each row
when (
  new.status = 'blocked'
  or (
    new.status in ('running', 'succeeded', 'failed', 'cancelled')
    and not has_column_privilege(new.tableoid, 'status', 'update')
  )
)
execute function pgqueue.refuse_status();
