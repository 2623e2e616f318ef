-- timeouts --
-- How long this transaction waits for a lock, and for one statement.
select set_config('lock_timeout', %(lock)s, true), set_config('statement_timeout', %(statement)s, true);

-- check_deferred --
-- Lets the ledger's deferred constraints speak now, as they would at the commit.
set constraints all immediate;
