-- Which rule holds, how rules change, and that nothing is approved under another rule than the one that holds now.
--
-- A rule is written and ended by the confirmation of a change, here; the site has no other way. Whoever decides takes the
-- policy's lock shared, whoever confirms a change takes it alone: a decision is before a change or after it, never beside.

-- The most specific rule that is in force: its system before any system, its correction before any correction, the
-- highest amount it begins at. policies/rules.py says the same in Python; a test compares the two.
create function public.adjustments_policy_for(a_system text, a_correction text, amount bigint)
returns public.adjustments_policyrule
language sql stable set search_path = pg_catalog, pg_temp
as $$
    select r from public.adjustments_policyrule r
    where r.ended_at is null and r.system in ('', a_system) and r.correction in ('', a_correction)
      and r.from_amount <= abs(amount)
    order by r.system = '', r.correction = '', r.from_amount desc limit 1
$$;

-- How large a request is: every line without its sign, so that what goes in cannot hide what goes out.
create function public.adjustments_size(request uuid, a_revision integer) returns bigint
language sql stable set search_path = pg_catalog, pg_temp
as $$
    select coalesce(sum(abs(l.amount)), 0)::bigint from public.adjustments_adjustmentline l
    where l.adjustment_id = request and l.revision = a_revision
$$;

-- The first rule: for everything, and always there. Only where there is no rule yet.
create function public.adjustments_found_policy() returns void
language sql security definer set search_path = pg_catalog, public, pg_temp
as $$
    insert into public.adjustments_policyrule (
        version, system, correction, from_amount, approvals, approve_within, apply_within, notice,
        approver_reason, reason_length, began_at)
    select 'house-1', '', '', 0, 1, '72 hours', '24 hours', '4 hours', false, 1, now()
    where not exists (select from public.adjustments_policyrule)
$$;

-- Where a rule holds and what it asks, of a rule or a change.
create function public.adjustments_terms(row_of_either jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp
as $$
    select jsonb_object_agg(name, row_of_either -> name)
    from unnest(array['system', 'correction', 'from_amount', 'approvals', 'line_cap', 'proposer_cap', 'approver_cap',
                      'customer_cap', 'total_cap', 'approve_within', 'apply_within', 'notice', 'approver_reason',
                      'reason_length']) as term (name)
$$;

create function public.adjustments_guard_policyrule() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    if tg_op = 'DELETE' then
        perform adjustments_refuse('policy_rule_stays', 'A rule is ended, never deleted.');
    elsif tg_op = 'INSERT' then
        if new.change_id is null and not exists (select from adjustments_policyrule) then
            return new;  -- the founding
        end if;
        if new.ended_at is not null or not exists (
            select from adjustments_policychange c
            where c.id = new.change_id and c.state = 'confirmed' and c.kind <> 'retire'
              and c.confirmed_in = pg_current_xact_id()::text::bigint
              and adjustments_terms(to_jsonb(c)) = adjustments_terms(to_jsonb(new))) then
            perform adjustments_refuse('policy_rule_follows_a_change', 'A rule begins when a second admin confirms it.');
        end if;
        new.version := 'policy-' || new.id;
        return new;
    end if;
    if old.ended_at is not null
       or to_jsonb(new) - '{ended_at,ended_by_id}'::text[] is distinct from to_jsonb(old) - '{ended_at,ended_by_id}'::text[]
       or not exists (
            select from adjustments_policychange c
            where c.id = new.ended_by_id and c.state = 'confirmed' and c.replaces_id = old.id
              and c.confirmed_in = pg_current_xact_id()::text::bigint) then
        perform adjustments_refuse('policy_rule_never_changes', 'A rule ends by a confirmed change, and is never altered.');
    end if;
    return new;
end
$$;

create function public.adjustments_guard_policychange() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    here bigint;
begin
    if tg_op = 'DELETE' then
        perform adjustments_refuse('policy_change_stays', 'A change of policy is never deleted.');
    elsif tg_op = 'INSERT' then
        if new.state <> 'pending' or not accounts_is_admin(new.requested_by_id) then
            perform adjustments_refuse('policy_change_is_asked_by_an_admin', 'An admin asks for a change of policy.');
        end if;
        return new;
    end if;
    if old.state <> 'pending'
       or to_jsonb(new) - '{state,decided_by_id,decided_at,answer,confirmed_in}'::text[]
          is distinct from to_jsonb(old) - '{state,decided_by_id,decided_at,answer,confirmed_in}'::text[] then
        perform adjustments_refuse('policy_change_is_decided_once', 'A change is decided once, and never altered.');
    end if;
    if new.state = 'withdrawn' and new.decided_by_id is distinct from new.requested_by_id
       or new.state = 'refused' and new.decided_by_id = new.requested_by_id then
        perform adjustments_refuse('policy_change_is_withdrawn_by_its_asker',
            'Who asked for a change withdraws it; another admin refuses it.');
    end if;
    new.confirmed_in := null;
    -- Held until the commit: a role that is being taken away waits, or has been taken away.
    perform 1 from accounts_person p where p.id in (new.decided_by_id, new.requested_by_id) order by p.id for share;
    perform 1 from accounts_rolegrant g
    where g.person_id in (new.decided_by_id, new.requested_by_id) and g.role = 'admin' order by g.id for share;
    if not accounts_is_admin(new.decided_by_id) then
        perform adjustments_refuse('policy_change_is_decided_by_an_admin', 'An admin decides on a change of policy.');
    end if;
    if new.state <> 'confirmed' then
        return new;
    end if;
    if not accounts_is_admin(new.requested_by_id) then
        perform adjustments_refuse('policy_change_is_confirmed_by_admins', 'Who asked for this is no admin any more.');
    end if;
    perform pg_advisory_xact_lock(hashtextextended('adjustments_policy', 0));
    select r.id into here from adjustments_policyrule r
    where (r.system, r.correction, r.from_amount) = (new.system, new.correction, new.from_amount) and r.ended_at is null;
    if here is distinct from new.replaces_id then
        perform adjustments_refuse('policy_change_is_about_the_rule_there_is', 'The rule has changed since this was asked.');
    end if;
    new.confirmed_in := pg_current_xact_id()::text::bigint;
    return new;
end
$$;

-- Confirmed is done: the old version ends and the next one begins, in the same statement.
create function public.adjustments_perform_policychange() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    update adjustments_policyrule set ended_at = new.decided_at, ended_by_id = new.id where id = new.replaces_id;
    if new.kind <> 'retire' then
        insert into adjustments_policyrule (
            version, system, correction, from_amount, approvals, line_cap, proposer_cap, approver_cap, customer_cap,
            total_cap, approve_within, apply_within, notice, approver_reason, reason_length, began_at, change_id)
        values (
            '', new.system, new.correction, new.from_amount, new.approvals, new.line_cap, new.proposer_cap,
            new.approver_cap, new.customer_cap, new.total_cap, new.approve_within, new.apply_within, new.notice,
            new.approver_reason, new.reason_length, new.decided_at, new.id);
    end if;
    return null;
end
$$;

-- The rule that holds for a request now is the one it was signed under. From here to the commit it stays so.
create function public.adjustments_refuse_another_policy(request public.adjustments_adjustment)
returns public.adjustments_policyrule
language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
declare
    rule adjustments_policyrule;
begin
    perform pg_advisory_xact_lock_shared(hashtextextended('adjustments_policy', 0));
    rule := adjustments_policy_for(request.system, request.correction, adjustments_size(request.id, request.revision));
    if rule.version is distinct from request.policy_version then
        perform adjustments_refuse('decision_under_the_policy_there_is', 'Another policy holds than the one that was signed.');
    end if;
    if request.approvals_needed <> rule.approvals then
        perform adjustments_refuse('adjustment_needs_what_its_policy_says', 'The policy asks for other approvals.');
    end if;
    if char_length(btrim(request.reason)) < rule.reason_length then
        perform adjustments_refuse('adjustment_reason_is_long_enough', 'The policy asks for a longer reason.');
    end if;
    return rule;
end
$$;

-- Of a decision: a refusal or a cancelling is never too late, an approval or a retry is about the policy there is.
create function public.adjustments_guard_policy_of_decision() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    request adjustments_adjustment;
    rule adjustments_policyrule;
begin
    if new.verdict in ('approve', 'retry') then
        select * into request from adjustments_adjustment a where a.id = new.adjustment_id;
        rule := adjustments_refuse_another_policy(request);
        if rule.approver_reason and new.reason !~ '\S' then
            perform adjustments_refuse('approval_says_why', 'The policy asks the approver for a reason.');
        end if;
    end if;
    return new;
end
$$;

create function public.adjustments_guard_policy() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    rule adjustments_policyrule := adjustments_refuse_another_policy(new);
begin
    if new.apply_by > new.approved_at + rule.apply_within then
        perform adjustments_refuse('adjustment_applied_in_time', 'The policy leaves less time to apply this.');
    end if;
    return new;
end
$$;

create trigger adjustments_guard before insert or update or delete on public.adjustments_policyrule
    for each row execute function public.adjustments_guard_policyrule();
create trigger adjustments_guard before insert or update or delete on public.adjustments_policychange
    for each row execute function public.adjustments_guard_policychange();
create trigger adjustments_perform after update on public.adjustments_policychange
    for each row when (new.state = 'confirmed') execute function public.adjustments_perform_policychange();
create trigger adjustments_guard_policy before insert on public.adjustments_decision
    for each row execute function public.adjustments_guard_policy_of_decision();
create trigger adjustments_guard_policy before update on public.adjustments_adjustment
    for each row when (new.state = 'approved' and old.state <> 'approved')
    execute function public.adjustments_guard_policy();

create trigger adjustments_no_truncate before truncate on public.adjustments_policyrule
    for each statement execute function public.adjustments_refuse_truncate();
create trigger adjustments_no_truncate before truncate on public.adjustments_policychange
    for each statement execute function public.adjustments_refuse_truncate();

-- The record. The first rule is told by the migration that makes it.
create constraint trigger adjustments_record after insert or update or delete on public.adjustments_policychange
    deferrable initially deferred for each row
    execute function public.admin_audit_log_record_row('policy_change', 'policy_change', 'id', 'confirmed_in');
create constraint trigger adjustments_record after insert or update on public.adjustments_policyrule
    deferrable initially deferred for each row when (new.change_id is not null or new.ended_by_id is not null)
    execute function public.admin_audit_log_record_row('policy_rule', 'policy_rule', 'id', '');

alter table public.adjustments_policyrule enable always trigger adjustments_guard;
alter table public.adjustments_policyrule enable always trigger adjustments_record;
alter table public.adjustments_policychange enable always trigger adjustments_guard;
alter table public.adjustments_policychange enable always trigger adjustments_perform;
alter table public.adjustments_policychange enable always trigger adjustments_record;
alter table public.adjustments_decision enable always trigger adjustments_guard_policy;
alter table public.adjustments_adjustment enable always trigger adjustments_guard_policy;

select public.adjustments_found_policy();
