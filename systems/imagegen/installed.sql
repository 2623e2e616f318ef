-- function --
-- A function of the source as it stands: its body, and its whole definition.
select p.prosrc as body, pg_get_functiondef(p.oid) as definition, pg_get_function_result(p.oid) as result
from pg_proc p
where p.oid = to_regprocedure(%(signature)s)

-- drop_function --
-- Takes a function out of the source.
drop function {signature}

-- cron --
-- Whether pg_cron runs in this database.
select to_regprocedure('cron.schedule(text, text, text)') is not null and to_regclass('cron.job') is not null as here

-- scheduled --
-- The job of that name as pg_cron has it.
select schedule, command from cron.job where jobname = %(name)s

-- schedule --
-- Lets pg_cron run a command; a job of that name is changed.
select cron.schedule(%(name)s, %(schedule)s, %(command)s)

-- unschedule --
-- Lets pg_cron run it no more.
select cron.unschedule(%(name)s)
