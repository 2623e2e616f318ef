-- append --
-- Appends one entry to the audit log and answers its position.
select public.admin_audit_log_append(
    %(actor_id)s, %(actor)s, %(action_type)s, %(target_type)s, %(target_id)s, %(outcome)s, %(reason)s,
    %(job_id)s, %(tx_id)s, %(system)s, %(correlation_id)s, %(metadata)s
)
