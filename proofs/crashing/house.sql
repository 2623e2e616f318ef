-- head --
-- The head of the audit log: its position and hash.
select position, hash from admin_audit_log order by position desc limit 1;

-- heads --
-- The hashes at these positions.
select position, hash from admin_audit_log where position = any(%(positions)s);

-- decided --
-- Every request that somebody approved and that went on from there.
select a.id
from adjustments_adjustment a
where a.state in ('approved', 'applied')
  and exists (select from adjustments_decision d where d.adjustment_id = a.id and d.verdict = 'approve');

-- applied --
-- How many are applied.
select count(*) from adjustments_adjustment where state = 'applied';

-- half_states --
-- Requests of which one part was written and another was not.
select count(*)
from adjustments_adjustment a
left join lateral (
    select count(*) filter (where l.outcome = 'posted') as posted, count(*) as lines
    from adjustments_adjustmentline l where l.adjustment_id = a.id and l.revision = a.revision
) l on true
left join lateral (select count(*) as decisions from adjustments_decision d where d.adjustment_id = a.id) d on true
left join lateral (
    select count(*) filter (where e.action_type = 'adjustment_proposed') as proposed,
           count(*) filter (where e.action_type = 'adjustment_approved') as approved,
           count(*) filter (where e.action_type = 'adjustment_applied') as applied
    from admin_audit_log e where e.target_type = 'adjustment' and e.target_id = a.id::text
) e on true
where (a.state in ('approved', 'applied')) <> (d.decisions > 0)
   or (a.state = 'applied') <> (e.applied > 0)
   or (d.decisions > 0) <> (e.approved > 0)
   or e.proposed <> 1
   or l.lines = 0
   or (a.state = 'applied' and l.posted < l.lines)
   or (a.state = 'pending' and l.posted > 0)
   or (a.state = 'approved' and not exists (
       select from procrastinate_jobs j
       where j.task_name = 'adjustments.apply' and j.args ->> 'adjustment' = a.id::text));
