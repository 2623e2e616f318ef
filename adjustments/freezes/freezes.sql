-- lock --
-- Waits this long for the postings under way, and then lets no other begin until this transaction ends.
select set_config('lock_timeout', %(wait)s, true), pg_advisory_xact_lock(public.adjustments_freeze_lock())

-- on_line --
-- The freeze that holds this line, if one does; until this transaction ends no other comes into force.
select public.adjustments_freeze_on(%(request)s, %(line)s)

-- covering --
-- The freezes that hold a part of this request, the oldest first.
select f.* from public.adjustments_freeze f
where f.lifted_at is null and exists (
    select from public.adjustments_adjustment a
    join public.adjustments_adjustmentline l on l.adjustment_id = a.id and l.revision = a.revision
    where a.id = %(request)s and a.state in ('pending', 'approved', 'needs_attention') and l.outcome = 'waiting'
      and public.adjustments_freeze_covers(f, a, l)
)
order by f.id

-- waiting --
-- The open requests of which a freeze of this scope holds lines, those whose deadline breaks first on top.
select a.id, count(*) as lines, sum(l.amount)::bigint as amount, l.unit,
    case a.state when 'pending' then a.approve_by when 'approved' then a.apply_by end as due_at
from jsonb_populate_record(null::public.adjustments_freeze, %(scope)s) f
cross join public.adjustments_adjustment a
join public.adjustments_adjustmentline l on l.adjustment_id = a.id and l.revision = a.revision
where a.state in ('pending', 'approved', 'needs_attention') and l.outcome = 'waiting'
  and public.adjustments_freeze_covers(f, a, l)
group by a.id, l.unit
order by due_at nulls last, a.number

-- held --
-- How many open requests of each system something holds now, and when the first deadline of these breaks.
select a.system, count(*) as requests,
    min(case a.state when 'pending' then a.approve_by when 'approved' then a.apply_by end) as due_at
from public.adjustments_adjustment a
where a.state in ('pending', 'approved', 'needs_attention') and public.adjustments_frozen(a.id) is not null
group by a.system
