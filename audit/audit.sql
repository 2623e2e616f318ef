-- append --
-- Appends one entry to the audit log and answers its position.
select public.admin_audit_log_append(
    %(actor_id)s, %(actor)s, %(action_type)s, %(target_type)s, %(target_id)s, %(outcome)s, %(reason)s,
    %(job_id)s, %(tx_id)s, %(system)s, %(correlation_id)s, %(metadata)s
)

-- actors --
-- Everybody who ever did something, under the name they had last; one step along the index for each, not for each entry.
with recursive step as (
    (select actor_id from public.admin_audit_log order by actor_id limit 1)
    union all
    select (select actor_id from public.admin_audit_log where actor_id > step.actor_id order by actor_id limit 1)
    from step where step.actor_id is not null
)
select step.actor_id as id, latest.actor as name
from step
cross join lateral (
    select actor from public.admin_audit_log where actor_id = step.actor_id order by position desc limit 1
) as latest
order by latest.actor

-- actions --
-- Every kind of action there ever was, found the same way.
with recursive step as (
    (select action_type from public.admin_audit_log order by action_type limit 1)
    union all
    select (select action_type from public.admin_audit_log where action_type > step.action_type order by action_type limit 1)
    from step where step.action_type is not null
)
select action_type from step where action_type is not null

-- target_types --
-- Every kind of thing that something was done to, found the same way.
with recursive step as (
    (select target_type from public.admin_audit_log where target_type > '' order by target_type limit 1)
    union all
    select (select target_type from public.admin_audit_log where target_type > step.target_type order by target_type limit 1)
    from step where step.target_type is not null
)
select target_type from step where target_type is not null

-- systems --
-- Every system something was done in, found the same way.
with recursive step as (
    (select system from public.admin_audit_log where system <> '' order by system limit 1)
    union all
    select (select system from public.admin_audit_log where system <> '' and system > step.system order by system limit 1)
    from step where step.system is not null
)
select system from step where system is not null

-- acting --
-- Who acts from here to the end of the transaction, and why: what rows that record themselves say.
select set_config('billingadmin.actor_id', %(actor_id)s, true), set_config('billingadmin.actor', %(actor)s, true),
    set_config('billingadmin.reason', %(reason)s, true), set_config('billingadmin.correlation_id', %(correlation_id)s, true)

-- record_now --
-- Lets the deferred triggers act, as the commit would; what comes after waits for its own moment again.
set constraints all immediate;
set constraints all deferred
