-- How much may be approved: of one line, and within 24 hours by proposer, approver, customer and in all.
--
-- What is approved counts from its approval, posted or not, until it is cancelled or expires. One approval under caps at
-- a time in each system: whoever comes next counts what was committed before. The locks of an approval, in this order:
-- the request, the person, freeze and policy (shared), caps, and last of all the audit log.

-- What was approved since then under the same roof (a system, or one correction of it) in the same unit: what a cap of
-- each kind counts, with its moment, from which it is 24 hours until it no longer counts.
create function public.adjustments_uses(
    a_system text, a_correction text, a_unit text, since timestamptz, but_not uuid,
    proposer bigint, approvers bigint[], customers text[]
) returns table (kind text, who text, at timestamptz, size bigint)
language sql stable set search_path = pg_catalog, pg_temp
as $$
    with counted as (
        select a.id, a.revision, a.proposed_by_id, a.approved_at from public.adjustments_adjustment a
        where a.system = a_system and a_correction in ('', a.correction) and a.unit = a_unit
          and a.state in ('approved', 'applied', 'needs_attention') and a.approved_at > since
          and a.id is distinct from but_not
    ), sized as (
        select c.*, public.adjustments_size(c.id, c.revision) as size from counted c
    )
    select 'total', '', s.approved_at, s.size from sized s
    union all
    select 'proposer', s.proposed_by_id::text, s.approved_at, s.size from sized s where s.proposed_by_id = proposer
    union all
    select 'approver', d.person_id::text, s.approved_at, s.size
    from sized s join public.adjustments_decision d
      on d.adjustment_id = s.id and d.revision = s.revision and d.verdict = 'approve' and d.person_id = any (approvers)
    union all
    select 'customer', lower(l.customer), s.approved_at, sum(abs(l.amount))::bigint
    from sized s join public.adjustments_adjustmentline l
      on l.adjustment_id = s.id and l.revision = s.revision and lower(l.customer) = any (customers)
    group by s.id, s.approved_at, lower(l.customer)
$$;

create function public.adjustments_refuse_large_lines(
    rule public.adjustments_policyrule, request uuid, a_revision integer
) returns void
language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
declare
    large adjustments_adjustmentline;
begin
    select * into large from adjustments_adjustmentline l
    where l.adjustment_id = request and l.revision = a_revision and abs(l.amount) > rule.line_cap
    order by l.number limit 1;
    if found then
        perform adjustments_refuse('line_within_its_cap', format(
            'Line %s moves %s %s; a line may move %s.', large.number, abs(large.amount), large.unit, rule.line_cap));
    end if;
end
$$;

create function public.adjustments_guard_caps() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    rule adjustments_policyrule;
    approvers bigint[];
    over record;
begin
    perform pg_advisory_xact_lock_shared(hashtextextended('adjustments_policy', 0));
    rule := adjustments_policy_for(new.system, new.correction, adjustments_size(new.id, new.revision));
    perform adjustments_refuse_large_lines(rule, new.id, new.revision);
    if coalesce(rule.proposer_cap, rule.approver_cap, rule.customer_cap, rule.total_cap) is null then
        return new;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('adjustments_caps ' || new.system, 0));

    select array_agg(d.person_id) into approvers from adjustments_decision d
    where d.adjustment_id = new.id and d.revision = new.revision and d.verdict = 'approve';
    -- A moment in the future would look past what was used today.
    with asked (kind, who, cap, size) as (
        select 'total', '', rule.total_cap, adjustments_size(new.id, new.revision)
        union all
        select 'proposer', new.proposed_by_id::text, rule.proposer_cap, adjustments_size(new.id, new.revision)
        union all
        select 'approver', p::text, rule.approver_cap, adjustments_size(new.id, new.revision) from unnest(approvers) p
        union all
        select 'customer', lower(l.customer), rule.customer_cap, sum(abs(l.amount))::bigint
        from adjustments_adjustmentline l
        where l.adjustment_id = new.id and l.revision = new.revision and l.customer <> '' group by lower(l.customer)
    ), used (kind, who, size) as (
        select u.kind, u.who, sum(u.size) from adjustments_uses(
            new.system, rule.correction, new.unit, least(new.approved_at, clock_timestamp()) - interval '24 hours',
            new.id, new.proposed_by_id, approvers, (select array_agg(a.who) from asked a where a.kind = 'customer')) u
        group by u.kind, u.who
    )
    select a.kind, a.cap, a.size, coalesce(u.size, 0) as used into over
    from asked a left join used u on u.kind = a.kind and u.who = a.who
    where a.cap is not null and a.size + coalesce(u.size, 0) > a.cap
    order by a.kind, a.who limit 1;
    if found then
        perform adjustments_refuse('adjustment_within_caps', format(
            'The cap (%s) is %s a day: %s are used, this asks for %s.', over.kind, over.cap, over.used, over.size));
    end if;
    return new;
end
$$;

-- What could never be approved is not proposed either. A request that came under another policy stays, and says so.
create function public.adjustments_check_caps() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    request adjustments_adjustment;
begin
    select * into request from adjustments_adjustment a where a.id = new.adjustment_id;
    if request.revision = new.number and not exists (
        select from adjustments_policyeffect e where e.adjustment_id = request.id and e.revision = new.number) then
        perform adjustments_refuse_large_lines(
            adjustments_policy_for(request.system, request.correction, adjustments_size(request.id, request.revision)),
            request.id, request.revision);
    end if;
    return null;
end
$$;

create trigger adjustments_guard_caps before update on public.adjustments_adjustment
    for each row when (new.state = 'approved' and old.state <> 'approved')
    execute function public.adjustments_guard_caps();
create constraint trigger adjustments_caps after insert on public.adjustments_revision
    deferrable initially deferred for each row execute function public.adjustments_check_caps();
alter table public.adjustments_adjustment enable always trigger adjustments_guard_caps;
alter table public.adjustments_revision enable always trigger adjustments_caps;
