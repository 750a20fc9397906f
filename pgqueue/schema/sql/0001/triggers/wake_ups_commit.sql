-- Fires at the end of the transaction, when it is known how the transaction ends.
create constraint trigger wake_ups_commit after insert on pgqueue.wake_ups
deferrable initially deferred
for each row
execute function pgqueue.wake_at_commit();
