-- unsealed_head --
-- The position of the last entry if it is not what was sealed: the next one would be chained to it.
select position
from (select * from public.admin_audit_log order by position desc limit 1) as head
where hash is distinct from encode(sha256(convert_to(
        'billingadmin audit 1' || chr(10) || position || chr(10) || previous_hash || chr(10)
        || octet_length(canonical) || chr(10) || canonical, 'UTF8'
    )), 'hex')
   or canonical is distinct from public.admin_audit_log_canonical(
        at, actor_id, actor, action_type, target_type, target_id, outcome,
        reason, job_id, tx_id, system, correlation_id, metadata
    );
