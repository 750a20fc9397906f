-- Allow this transaction to be idle while the caller generates the next batch of jobs.
--
-- Index: none.
-- Locks: none. Ends with the transaction; our own connections end an idle transaction after 30 s.
select set_config('idle_in_transaction_session_timeout', '0', true);
