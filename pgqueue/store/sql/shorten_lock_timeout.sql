-- Let the statements of this transaction wait for each lock for a moment only.
--
-- Index: none.
-- Locks: none. Ends with the transaction.
select set_config('lock_timeout', '100ms', true);
