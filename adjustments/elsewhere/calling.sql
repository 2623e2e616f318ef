-- hold --
-- Keeps a freeze from coming into force until let_go: by the session, across transactions.
select pg_advisory_lock_shared(public.adjustments_freeze_lock());

-- let_go --
-- A freeze may come into force again.
select pg_advisory_unlock_shared(public.adjustments_freeze_lock());
