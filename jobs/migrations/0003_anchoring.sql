-- What was decided about money or rights is anchored as soon as it is committed: the entry that records it also puts the
-- task into the worker's queue, in the same transaction and once for each transaction. Entries of other kinds wait for
-- the next anchor by the clock.
create function public.jobs_anchor_audit_log() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    insert into public.procrastinate_jobs (queue_name, task_name, queueing_lock, args)
    values ('notify', 'jobs.anchor_audit_log', 'jobs.anchor_audit_log ' || pg_current_xact_id(), '{}')
    on conflict do nothing;
    return null;
end
$$;

create trigger jobs_anchor_audit_log after insert on public.admin_audit_log
    for each row
    when (new.action_type ~ '^(adjustment|decision|line|policy|freeze|switch|setting|role|person|identity|stand_in)_')
    execute function public.jobs_anchor_audit_log();
alter table public.admin_audit_log enable always trigger jobs_anchor_audit_log;
