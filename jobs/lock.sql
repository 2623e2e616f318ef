-- try_lock --
-- Takes the lock of a job if nobody holds it; it is the session's and goes when the session ends, however it ends.
select pg_try_advisory_lock(%(space)s, %(key)s)

-- unlock --
-- Gives the lock back.
select pg_advisory_unlock(%(space)s, %(key)s)

-- held --
-- The keys of all jobs that somebody is running at this moment.
select objid::bigint
from pg_locks
where locktype = 'advisory' and granted and objsubid = 2 and classid::bigint = %(space)s
    and database = (select oid from pg_database where datname = current_database())
