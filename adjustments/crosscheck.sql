-- requests --
-- Requests and their moves beside the entries that tell of them: each move follows from the one before, the last one ends
-- where the request is, on the content that is signed. A request from before requests recorded themselves is passed over.
with move as materialized (
    select
        position, target_id, actor_id, system,
        metadata -> 'before' ->> 'state' as state_before, metadata -> 'before' ->> 'revision' as revision_before,
        metadata -> 'after' ->> 'state' as state_after, metadata -> 'after' ->> 'revision' as revision_after,
        (metadata ->> 'number', metadata ->> 'amount', metadata ->> 'unit', metadata ->> 'content_hash')::text as told
    from public.admin_audit_log
    where target_type = 'adjustment' and action_type = any(%(moves)s) and (outcome <> 'refused' or metadata ? 'login')
), older as (
    select distinct target_id from move
    where position < (select position from public.admin_audit_log where metadata ? 'login' order by position limit 1)
), followed as (
    select
        *, row_number() over back as from_the_end,
        lag(state_after) over way as ended, lag(revision_after) over way as ended_in, lag(position) over way as before
    from move where target_id not in (select target_id from older)
    window way as (partition by target_id order by position), back as (partition by target_id order by position desc)
), request as (
    select
        id::text as target_id, state, revision::text, system, 'person:' || proposed_by_id as proposer,
        (number::text, amount::text, unit, content_hash)::text as told,
        content_hash = encode(sha256(convert_to(content, 'UTF8')), 'hex') as is_sealed
    from public.adjustments_adjustment where id::text not in (select target_id from older)
)
select 'request_without_entry' as what, r.target_id as target, null::bigint as position
from request r where not exists (select from followed f where f.target_id = r.target_id)
union all
select 'entry_without_request', f.target_id, f.position
from followed f where f.before is null and not exists (select from request r where r.target_id = f.target_id)
union all
select 'move_out_of_turn', f.target_id, f.position
from followed f
where (f.state_before, f.revision_before) is distinct from (f.ended, f.ended_in)
   or (f.state_after, f.revision_after) is not distinct from (f.state_before, f.revision_before)
   or f.state_after is null
union all
select 'request_differs', f.target_id, f.position
from followed f join request r using (target_id)
where f.from_the_end = 1
  and (f.state_after, f.revision_after, f.system, f.told) is distinct from (r.state, r.revision, r.system, r.told)
union all
select 'proposer_differs', f.target_id, f.position
from followed f join request r using (target_id) where f.before is null and f.actor_id <> r.proposer
union all
select 'content_differs', r.target_id, null from request r where not r.is_sealed
order by position nulls last limit %(most)s

-- revisions --
-- Contents as they were signed, one by one, beside the entries of the proposal and of each edit.
with entry as materialized (
    select
        position, target_id, metadata -> 'after' ->> 'revision' as number, metadata ->> 'content_hash' as content_hash,
        metadata ? 'login' as records_itself
    from public.admin_audit_log
    where target_type = 'adjustment' and action_type in ('adjustment_proposed', 'adjustment_edited')
      and (outcome <> 'refused' or metadata ? 'login')
), revision as (
    select
        adjustment_id::text as target_id, number::text, content_hash,
        content_hash = encode(sha256(convert_to(content, 'UTF8')), 'hex') as is_sealed
    from public.adjustments_revision
), older as (
    select distinct target_id from entry
    where position < (select position from public.admin_audit_log where metadata ? 'login' order by position limit 1)
)
select
    case when e.position is null then 'revision_without_entry' when r.number is null then 'entry_without_revision'
        else 'revision_differs' end as what,
    target_id as target, e.position
from entry e full join revision r using (target_id, number)
where target_id not in (select target_id from older)
  and (e.content_hash, true) is distinct from (r.content_hash, r.is_sealed)
order by position nulls last limit %(most)s

-- lines_as_signed --
-- Lines beside the content that was signed of them: whose, how much, about what, under which key.
with signed as (
    select r.adjustment_id, r.number as revision, line
    from public.adjustments_revision r cross join lateral jsonb_array_elements(r.content::jsonb -> 'lines') as line
), told as (
    select
        adjustment_id, revision, line ->> 'key' as key,
        line ->> 'number' as number, line ->> 'subject' as subject, line ->> 'amount' as amount, line ->> 'unit' as unit,
        coalesce(line ->> 'customer', '') as customer, line -> 'particulars' as particulars, line -> 'evidence' as evidence
    from signed
), line as (
    select adjustment_id, revision, key::text, number::text, subject, amount::text, unit, customer, particulars, evidence
    from public.adjustments_adjustmentline
)
select 'line_not_as_signed' as what, adjustment_id::text as target, null::bigint as position
from told t full join line l using (adjustment_id, revision, key)
where (t.number, t.subject, t.amount, t.unit, t.customer, t.particulars, t.evidence)
      is distinct from (l.number, l.subject, l.amount, l.unit, l.customer, l.particulars, l.evidence)
limit %(most)s

-- decisions --
-- Decisions beside the entries that tell of them: whose, of what, on which content. What was decided before decisions
-- recorded themselves names no decision in its entry and is passed over.
with entry as materialized (
    select
        position, target_id, metadata ->> 'decision' as decision, actor_id,
        (action_type, metadata ->> 'revision', metadata ->> 'attempt', metadata ->> 'content_hash')::text as told
    from public.admin_audit_log
    where target_type = 'adjustment' and action_type = any(%(decisions)s) and (outcome <> 'refused' or metadata ? 'login')
), older as (
    select distinct target_id from public.admin_audit_log
    where target_type = 'adjustment' and position < (
        select position from public.admin_audit_log where metadata ? 'login' order by position limit 1)
), counted as (
    select *, row_number() over (partition by decision order by position) as time from entry
), decision as (
    select
        id::text as decision, adjustment_id::text as target_id, 'person:' || person_id as actor_id,
        ('adjustment_' || case verdict when 'approve' then 'approval_given' when 'reject' then 'rejection_given'
            else verdict || '_asked' end, revision::text, attempt::text, content_hash)::text as told
    from public.adjustments_decision
)
select
    case when e.position is null then 'decision_without_entry' when d.decision is null or e.time > 1
        then 'entry_without_decision' else 'decision_differs' end as what,
    coalesce(d.target_id, e.target_id) as target, e.position
from counted e full join decision d using (decision)
where coalesce(d.target_id, e.target_id) not in (select target_id from older)
  and ((e.target_id, e.actor_id, e.told) is distinct from (d.target_id, d.actor_id, d.told) or e.time > 1)
order by position nulls last limit %(most)s

-- lines --
-- What became of each line beside the entries that tell of it: the same key, amount and receipt, and posted at most once.
with entry as materialized (
    select
        position, target_id, metadata ->> 'key' as key, metadata ->> 'outcome' as outcome,
        metadata ->> 'amount' as amount, metadata ->> 'unit' as unit, metadata ->> 'subject' as subject,
        metadata -> 'receipt' as receipt
    from public.admin_audit_log
    where target_type = 'adjustment' and action_type = any(%(outcomes)s)
), older as (
    select distinct target_id from public.admin_audit_log
    where target_type = 'adjustment' and position < (
        select position from public.admin_audit_log where metadata ? 'login' order by position limit 1)
), counted as (
    select
        *, row_number() over (partition by key order by position desc) as from_the_end,
        count(*) filter (where outcome in ('posted', 'void')) over (
            partition by key order by position rows between unbounded preceding and 1 preceding) as ends_before
    from entry
), line as (
    select
        key::text, adjustment_id::text as target_id, outcome, amount::text, unit, subject,
        jsonb_strip_nulls(receipt) as receipt
    from public.adjustments_adjustmentline
)
select 'line_without_entry' as what, l.target_id as target, null::bigint as position, l.key as detail
from line l
where l.outcome <> 'waiting' and not exists (select from entry e where e.key = l.key)
  and l.target_id not in (select target_id from older)
union all
select case when l.key is null then 'entry_without_line' else 'line_differs' end, e.target_id, e.position, e.key
from counted e left join line l using (key)
where e.from_the_end = 1
  and (e.target_id, e.outcome, e.amount, e.unit, e.subject, e.receipt)
      is distinct from (l.target_id, l.outcome, l.amount, l.unit, l.subject, l.receipt)
union all
select 'line_ended_twice', e.target_id, e.position, e.key from counted e where e.ends_before > 0
order by position nulls last limit %(most)s

-- ledgers --
-- For each system in which something was posted or fenced: when it was last compared with its ledger, and to what end.
select
    l.system, r.answer, r.why, r.started_at,
    (select max(started_at) from public.adjustments_reconciliation d where d.system = l.system and d.answer = 'done') as done_at
from (
    select distinct a.system
    from public.adjustments_adjustment a
    where exists (
        select from public.adjustments_adjustmentline l where l.adjustment_id = a.id and l.outcome in ('posted', 'void'))
) as l
left join lateral (
    select answer, why, started_at from public.adjustments_reconciliation r
    where r.system = l.system order by started_at desc, id desc limit 1
) as r on true
order by l.system
