-- broken --
-- Every rule that does not hold now, with what breaks it; the ledger's rows and keys are given, the rest is asked.
with taken as (
    select * from jsonb_to_recordset(%(keys)s::jsonb) as k (key uuid, content_hash text, outcome text, at timestamptz)
), payment as (
    select * from jsonb_to_recordset(%(payments)s::jsonb) as p (order_id text, amount bigint)
), line as (
    select l.*, a.state, a.content_hash as signed, a.number as request, a.approved_at, a.revision = l.revision as is_current
    from adjustments_adjustmentline l join adjustments_adjustment a on a.id = l.adjustment_id
), said as (
    select d.*, a.number as request,
        exists (select from adjustments_contributor c where c.adjustment_id = a.id and c.person_id = d.person_id)
            or a.proposed_by_id = d.person_id as had_a_hand
    from adjustments_decision d join adjustments_adjustment a on a.id = d.adjustment_id
), entry as (
    select e.*, (e.metadata -> 'before' ? 'state') as is_move
    from admin_audit_log e where e.position >= %(since)s
), last_move as (
    select distinct on (target_id) target_id, metadata -> 'after' ->> 'state' as state,
        (metadata -> 'after' ->> 'revision')::integer as revision
    from entry where target_type = 'adjustment' and is_move order by target_id, position desc
), followed as (
    select position, previous_hash, lag(hash) over (order by position) as hash_before,
        lag(position) over (order by position) as position_before
    from entry
)
select 'approved by enough others, on this very content' as rule, '#' || a.number as what
from adjustments_adjustment a
where a.approved_at is not null and (
    select count(distinct d.person_id) from said d
    where d.adjustment_id = a.id and d.revision = a.revision and d.content_hash = a.content_hash
      and d.verdict = 'approve' and not d.had_a_hand) < a.approvals_needed
union all
select 'nobody decides what they wrote', '#' || request from said where verdict in ('approve', 'reject') and had_a_hand
union all
select 'a decision is about a revision there was', '#' || request
from said d where not exists (
    select from adjustments_revision r
    where r.adjustment_id = d.adjustment_id and r.number = d.revision and r.content_hash = d.content_hash)
union all
select 'a decision comes before its deadline', '#' || d.request
from said d join adjustments_adjustment a on a.id = d.adjustment_id and a.revision = d.revision
where d.verdict in ('approve', 'reject') and d.at >= a.approve_by
union all
select 'applied if and only if every line has its receipt or its fence, and one is posted', '#' || a.number
from adjustments_adjustment a
join lateral (
    select bool_and(l.outcome in ('posted', 'void')) and bool_or(l.outcome = 'posted') as is_all,
        bool_or(l.outcome = 'posted') as is_some, bool_or(l.outcome = 'posted' and l.receipt is null) as lacks_receipt
    from line l where l.adjustment_id = a.id and l.is_current) l on true
where (a.state = 'applied') and not l.is_all or l.lacks_receipt
   or l.is_some and a.state not in ('approved', 'needs_attention', 'applied')
union all
select 'a line of an older revision is never posted', '#' || request
from line where not is_current and outcome <> 'waiting'
union all
select 'the ledger sums up to its posted lines', format('%%s instead of %%s', found, due)
from (select coalesce(sum(amount), 0) as found from payment) p,
    (select coalesce(sum(l.amount), 0) as due from line l join taken k using (key) where k.outcome = 'posted') l
where found <> due
union all
select 'an order is paid once', 'order ' || order_id from payment group by order_id having count(*) > 1
union all
select 'every key in the ledger is a line''s, under what was signed', k.key::text
from taken k left join line l using (key) where l.key is null or k.content_hash <> l.signed or not l.is_current
union all
select 'a key is taken once', key::text from taken group by key having count(*) > 1
union all
select 'what a line says became of it, the ledger says too', '#' || l.request || ' ' || l.outcome
from line l left join taken k using (key)
where l.outcome in ('posted', 'void') and l.outcome is distinct from k.outcome
union all
select 'nobody asks twice for the same', fingerprint
from line where is_current and outcome <> 'void' and reversed_at is null
  and state in ('pending', 'approved', 'needs_attention', 'applied')
group by fingerprint, occurrence, correction having count(*) > 1
union all
select 'a line is live as long as its request is', '#' || request
from line
where live is distinct from (
    is_current and outcome <> 'void' and reversed_at is null
    and state in ('pending', 'approved', 'needs_attention', 'applied'))
union all
select 'what was approved and closed is fenced, line by line', '#' || l.request
from line l left join taken k using (key)
where l.is_current and l.approved_at is not null and l.state in ('cancelled', 'expired')
  and k.outcome is distinct from 'void'
union all
select 'what was never approved has no key', '#' || l.request from line l join taken k using (key) where l.approved_at is null
union all
select 'nothing is posted under a freeze', '#' || l.request
from taken k join line l using (key) join adjustments_freeze f on k.at >= f.frozen_at and k.at < coalesce(f.lifted_at, 'infinity')
where k.outcome = 'posted'
union all
select 'nothing is posted after its deadline', '#' || a.number
from taken k join line l using (key) join adjustments_adjustment a on a.id = l.adjustment_id
where k.outcome = 'posted' and k.at >= a.apply_by
union all
select 'nothing expires before its time', '#' || number
from adjustments_adjustment where state = 'expired' and closed_at < coalesce(apply_by, approve_by)
union all
select 'cancelling takes two, one of whom had no hand in it', '#' || a.number
from adjustments_adjustment a
where a.state = 'cancelled' and (
    select count(distinct d.person_id) < 2 or bool_and(d.had_a_hand) from said d
    where d.adjustment_id = a.id and d.attempt = a.attempt and d.verdict = 'cancel')
union all
select 'the signed content agrees with the rows', '#' || number
from adjustments_adjustment where adjustments_agree(id) is not true
union all
select 'the audit log has no gap and no second branch', 'position ' || position
from followed where position_before is not null and (position <> position_before + 1 or previous_hash <> hash_before)
union all
select 'the audit log ends where the request is', '#' || a.number
from adjustments_adjustment a left join last_move m on m.target_id = a.id::text
where (m.state, m.revision) is distinct from (a.state, a.revision)
union all
select 'each decision has its entry', '#' || d.request
from said d left join entry e on e.metadata ->> 'decision' = d.id::text
group by d.id, d.request having count(e.position) <> 1
union all
select 'each posting has its entry', '#' || l.request
from line l
left join entry e on e.action_type = 'adjustment_line_posted' and e.metadata ->> 'key' = l.key::text
where l.outcome = 'posted'
group by l.key, l.request having count(e.position) <> 1
