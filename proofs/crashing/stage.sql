-- doomed --
-- How many connections of dead processes the server still holds.
select count(*) from pg_stat_activity where application_name = %(name)s;

-- wanted --
-- What every approved request asks to be paid.
select l.subject, l.amount
from adjustments_adjustment a
join adjustments_adjustmentline l on l.adjustment_id = a.id and l.revision = a.revision
where a.system = %(system)s and exists (select from adjustments_decision d where d.adjustment_id = a.id);

-- posted_keys --
-- The keys of what the console calls posted.
select l.key
from adjustments_adjustment a
join adjustments_adjustmentline l on l.adjustment_id = a.id
where a.system = %(system)s and l.outcome = 'posted';

-- half_done --
-- Requests that were decided and are not applied, or applied with a line that is not posted.
select count(*)
from adjustments_adjustment a
where a.system = %(system)s
  and exists (select from adjustments_decision d where d.adjustment_id = a.id)
  and (a.state <> 'applied' or exists (
      select from adjustments_adjustmentline l
      where l.adjustment_id = a.id and l.revision = a.revision and l.outcome <> 'posted'));

-- not_told_once --
-- Applied requests whose approval or application the audit log does not tell exactly once.
select count(*)
from adjustments_adjustment a
where a.system = %(system)s and a.state = 'applied'
  and (
      (select count(*) from admin_audit_log e
       where e.target_type = 'adjustment' and e.target_id = a.id::text and e.action_type = 'adjustment_applied') <> 1
      or (select count(*) from adjustments_decision d where d.adjustment_id = a.id and d.verdict = 'approve') <> 1
      or (select count(*) from admin_audit_log e
          where e.target_type = 'adjustment' and e.target_id = a.id::text
            and e.action_type = 'adjustment_approved') <> 1
  );
