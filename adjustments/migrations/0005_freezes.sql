-- What no path may do to a freeze, or under one.
--
-- Posting and approving take the advisory lock 'adjustments_freeze' shared, after the request's row; setting a freeze
-- takes it alone and wants no row of a request. So a freeze waits for what is under way, and once it is committed
-- nobody posts or approves without having seen it. Whoever holds the lock shared takes no other request's row after it.

create function public.adjustments_freeze_lock() returns bigint
language sql immutable parallel safe
return hashtextextended('adjustments_freeze', 0);

-- Whether a freeze holds this line. An amount is the line's or its whole request's: what is cut into small lines is
-- held like the whole.
create function public.adjustments_freeze_covers(
    f public.adjustments_freeze, a public.adjustments_adjustment, l public.adjustments_adjustmentline
) returns boolean
language sql stable
return coalesce(f.system, '') in ('', a.system)
   and coalesce(f.correction, '') in ('', a.correction)
   and (coalesce(f.customer, '') = '' or lower(f.customer) = lower(coalesce(to_jsonb(l) ->> 'customer', '')))
   and (f.from_amount is null or (l.unit = f.unit and greatest(abs(l.amount), abs(a.amount)) >= f.from_amount));

-- The oldest freeze that holds this request or, where a line's key is given, this line; null when none does. Only what
-- is still to be posted can be held.
create function public.adjustments_frozen(request uuid, line_key uuid default null) returns bigint
language sql stable
return (
    select f.id
    from public.adjustments_adjustment a
    join public.adjustments_adjustmentline l on l.adjustment_id = a.id and l.revision = a.revision
    join public.adjustments_freeze f on f.lifted_at is null and public.adjustments_freeze_covers(f, a, l)
    where a.id = request and (line_key is null or l.key = line_key)
      and a.state in ('pending', 'approved', 'needs_attention') and l.outcome = 'waiting'
    order by f.id limit 1
);

-- Asked before a line is posted, in the transaction that holds its request: from here to the end of the transaction no
-- freeze comes into force. Two statements, since the second must see what was committed while the first one waited.
create function public.adjustments_freeze_on(request uuid, line_key uuid) returns bigint
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform pg_advisory_xact_lock_shared(adjustments_freeze_lock());
    return adjustments_frozen(request, line_key);
end
$$;

-- Whether somebody may do this now; what is being taken away from them waits until the commit.
create function public.adjustments_holds_now(person bigint, roles text[]) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform 1 from accounts_person p join accounts_rolegrant g on g.person_id = p.id
    where p.id = person and p.is_active and g.role = any (roles) for share;
    return found;
end
$$;

-- Freezes and thaws ---------------------------------------------------------------------------------------------------

create function public.adjustments_guard_freeze_itself() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    if tg_op = 'DELETE' then
        perform adjustments_refuse('freeze_stays', 'A freeze is never deleted.');
    end if;
    if tg_op = 'INSERT' then
        if new.lifted_at is not null then
            perform adjustments_refuse('freeze_begins_in_force', 'A freeze begins in force.');
        end if;
        if not adjustments_holds_now(new.frozen_by_id, '{support,approver}') then
            perform adjustments_refuse('freeze_by_who_may', 'Only who may switch freezes.');
        end if;
        perform pg_advisory_xact_lock(adjustments_freeze_lock());
        new.holds_from := clock_timestamp();
        return new;
    end if;
    if to_jsonb(new) - 'lifted_at' is distinct from to_jsonb(old) - 'lifted_at' or old.lifted_at is not null then
        perform adjustments_refuse('freeze_never_changes', 'A freeze never changes; it is lifted, once.');
    end if;
    if not exists (
        select from adjustments_thaw t
        where t.freeze_id = new.id and t.state = 'confirmed' and t.decided_at = new.lifted_at) then
        perform adjustments_refuse('freeze_lifted_by_two', 'A freeze is lifted when a second person confirms it.');
    end if;
    return new;
end
$$;

create function public.adjustments_guard_thaw() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    if tg_op = 'DELETE' then
        perform adjustments_refuse('thaw_stays', 'An asking to lift a freeze is never deleted.');
    end if;
    -- Whoever asks or decides waits for whoever is lifting this freeze, and then sees that it is lifted.
    perform 1 from adjustments_freeze f where f.id = new.freeze_id and f.lifted_at is null for no key update;
    if not found then
        perform adjustments_refuse('thaw_of_what_is_frozen', 'This freeze is lifted already.');
    end if;
    if tg_op = 'INSERT' then
        if new.state <> 'pending' then
            perform adjustments_refuse('thaw_begins_pending', 'Lifting a freeze begins as an asking.');
        end if;
        if not adjustments_holds_now(new.asked_by_id, '{approver}') then
            perform adjustments_refuse('thaw_by_who_may', 'Only an approver asks to lift a freeze.');
        end if;
        return new;
    end if;
    if old.state <> 'pending' or new.state = 'pending'
       or to_jsonb(new) - '{state,decided_by_id,decided_at,note}'::text[]
          is distinct from to_jsonb(old) - '{state,decided_by_id,decided_at,note}'::text[] then
        perform adjustments_refuse('thaw_decided_once', 'It is decided once, and nothing else of it changes.');
    end if;
    if (new.state = 'withdrawn') is distinct from (new.decided_by_id = new.asked_by_id) then
        perform adjustments_refuse('thaw_takes_two', 'Whoever asked may withdraw; another confirms or refuses.');
    end if;
    if new.state = 'confirmed' and not adjustments_holds_now(new.asked_by_id, '{approver}')
       or new.state <> 'withdrawn' and not adjustments_holds_now(new.decided_by_id, '{approver}') then
        perform adjustments_refuse('thaw_by_who_may', 'A freeze is lifted by two who are approvers now.');
    end if;
    return new;
end
$$;

create function public.adjustments_lift_freeze() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    update adjustments_freeze set lifted_at = new.decided_at where id = new.freeze_id;
    return null;
end
$$;

-- Under a freeze ------------------------------------------------------------------------------------------------------

create function public.adjustments_guard_freeze() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    request uuid := coalesce(to_jsonb(new) ->> 'adjustment_id', to_jsonb(new) ->> 'id');
begin
    if adjustments_freeze_on(request, null) is not null then
        perform adjustments_refuse('approved_while_nothing_is_frozen', 'What is frozen is not approved.');
    end if;
    return new;
end
$$;

-- What was posted before the freeze held may be noted under it; what says that it was posted later is not believed.
create function public.adjustments_guard_freeze_of_line() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform pg_advisory_xact_lock_shared(adjustments_freeze_lock());
    if exists (
        select from adjustments_freeze f join adjustments_adjustment a on a.id = new.adjustment_id
        where f.lifted_at is null and f.holds_from < new.posted_at and adjustments_freeze_covers(f, a, old)) then
        perform adjustments_refuse('posted_before_the_freeze', 'Nothing is posted under a freeze.');
    end if;
    return new;
end
$$;

create trigger adjustments_guard before insert or update or delete on public.adjustments_freeze
    for each row execute function public.adjustments_guard_freeze_itself();
create trigger adjustments_guard before insert or update or delete on public.adjustments_thaw
    for each row execute function public.adjustments_guard_thaw();
create trigger adjustments_lift after update of state on public.adjustments_thaw
    for each row when (new.state = 'confirmed') execute function public.adjustments_lift_freeze();
create trigger adjustments_guard_freeze before insert on public.adjustments_decision
    for each row when (new.verdict = 'approve') execute function public.adjustments_guard_freeze();
create trigger adjustments_guard_freeze before update of state on public.adjustments_adjustment
    for each row when (old.state = 'pending' and new.state = 'approved')
    execute function public.adjustments_guard_freeze();
create trigger adjustments_guard_freeze before update of outcome on public.adjustments_adjustmentline
    for each row when (new.outcome = 'posted' and old.outcome <> 'posted')
    execute function public.adjustments_guard_freeze_of_line();

-- The record ----------------------------------------------------------------------------------------------------------

create function public.adjustments_record_freeze() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    scope jsonb := jsonb_build_object(
        'system', new.system, 'correction', new.correction, 'customer', new.customer,
        'from_amount', new.from_amount, 'unit', new.unit);
    told jsonb := jsonb_build_object('scope', scope, 'frozen_at', new.frozen_at, 'lifted_at', new.lifted_at);
begin
    if tg_op = 'UPDATE' then
        select told || jsonb_build_object('asked_by', t.asked_by_id, 'asked_because', t.reason) into told
        from adjustments_thaw t where t.freeze_id = new.id and t.state = 'confirmed';
    end if;
    perform admin_audit_log_acted(
        case tg_op when 'INSERT' then 'freeze_set' else 'freeze_lifted' end, 'freeze', new.id::text, 'done',
        new.reason, new.system, '', '', '', told);
    return null;
end
$$;

-- A confirmed one is told by the freeze that it lifts.
create function public.adjustments_record_thaw() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform admin_audit_log_acted(
        'thaw_' || case new.state when 'pending' then 'asked' else new.state end, 'freeze', new.freeze_id::text, 'done',
        coalesce(nullif(new.note, ''), new.reason), (select f.system from adjustments_freeze f where f.id = new.freeze_id),
        '', '', '', jsonb_build_object('thaw', new.id, 'asked_by', new.asked_by_id));
    return null;
end
$$;

create constraint trigger adjustments_record after insert or update on public.adjustments_freeze
    deferrable initially deferred for each row execute function public.adjustments_record_freeze();
create constraint trigger adjustments_record after insert or update on public.adjustments_thaw
    deferrable initially deferred for each row when (new.state <> 'confirmed')
    execute function public.adjustments_record_thaw();

create trigger adjustments_no_truncate before truncate on public.adjustments_freeze
    for each statement execute function public.adjustments_refuse_truncate();
create trigger adjustments_no_truncate before truncate on public.adjustments_thaw
    for each statement execute function public.adjustments_refuse_truncate();

-- Also for a session that calls itself a replica.
alter table public.adjustments_freeze enable always trigger adjustments_guard;
alter table public.adjustments_freeze enable always trigger adjustments_record;
alter table public.adjustments_thaw enable always trigger adjustments_guard;
alter table public.adjustments_thaw enable always trigger adjustments_lift;
alter table public.adjustments_thaw enable always trigger adjustments_record;
alter table public.adjustments_decision enable always trigger adjustments_guard_freeze;
alter table public.adjustments_adjustment enable always trigger adjustments_guard_freeze;
alter table public.adjustments_adjustmentline enable always trigger adjustments_guard_freeze;
