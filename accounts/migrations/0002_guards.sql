-- Who may change what about people, held by the database for every path: pages, commands, hand-written SQL.
--
-- A person becomes active or inactive, and a role is granted or taken away, only in the transaction in which a second
-- admin confirms a change that says so. The one exception is a console that is being founded: until it has two admins
-- and a first confirmed change, there is nobody to ask.

create function public.accounts_founding() returns boolean
language sql stable set search_path = pg_catalog, pg_temp
as $$
    select not exists (select from public.accounts_personchange where state = 'confirmed')
        and (select count(*) < 2 from public.accounts_rolegrant where role = 'admin')
$$;

create function public.accounts_is_admin(who bigint) returns boolean
language sql stable set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select from public.accounts_rolegrant as held join public.accounts_person as person on person.id = held.person_id
        where held.person_id = who and held.role = 'admin' and person.is_active
    )
$$;

-- Whether this very transaction confirmed a change of one of these kinds for this person (and role, where one is given).
create function public.accounts_confirmed_now(who bigint, kinds text[], a_role text) returns boolean
language sql stable set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select from public.accounts_personchange
        where confirmed_in = pg_current_xact_id()::text::bigint and state = 'confirmed' and person_id = who
            and kind = any (kinds) and (a_role is null or a_role = any (roles))
    )
$$;

create function public.accounts_two_admins_remain() returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if (select count(*) < 2 from public.accounts_person where is_active and public.accounts_is_admin(id)) then
        raise exception 'two active admins must remain' using errcode = 'check_violation', constraint = 'two_admins_remain';
    end if;
end
$$;

-- A change: asked by an admin, decided once, nothing about it altered. One confirmation at a time, so that what is
-- counted below (admins that remain, roles already held) is still true when it is committed.
create function public.accounts_guard_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op = 'DELETE' then
        raise exception 'a change is never deleted' using errcode = 'insufficient_privilege';
    elsif tg_op = 'INSERT' then
        if new.state <> 'pending' or not public.accounts_is_admin(new.requested_by_id) then
            raise exception 'a change begins as the request of an admin'
                using errcode = 'check_violation', constraint = 'change_is_asked_by_an_admin';
        end if;
        return new;
    end if;
    if old.state <> 'pending' or (old.person_id, old.kind, old.roles, old.reason, old.requested_by_id, old.requested_at)
            is distinct from (new.person_id, new.kind, new.roles, new.reason, new.requested_by_id, new.requested_at) then
        raise exception 'a change is decided once and not altered'
            using errcode = 'check_violation', constraint = 'change_is_decided_once';
    end if;
    new.confirmed_in := null;
    if new.state = 'confirmed' then
        perform pg_advisory_xact_lock(hashtextextended('accounts_personchange', 0));
        if not (public.accounts_is_admin(new.decided_by_id) and public.accounts_is_admin(new.requested_by_id)) then
            raise exception 'a change is asked and confirmed by admins'
                using errcode = 'check_violation', constraint = 'change_is_confirmed_by_admins';
        end if;
        new.confirmed_in := pg_current_xact_id()::text::bigint;
    end if;
    return new;
end
$$;
create trigger accounts_guard_change before insert or update or delete on public.accounts_personchange
    for each row execute function public.accounts_guard_change();
alter table public.accounts_personchange enable always trigger accounts_guard_change;

create function public.accounts_guard_grant() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op = 'UPDATE' then
        raise exception 'a role is granted or revoked, never altered' using errcode = 'insufficient_privilege';
    elsif tg_op = 'DELETE' then
        if not public.accounts_confirmed_now(old.person_id, array['revoke'], old.role) then
            raise exception 'a role is revoked by a change that a second admin confirms'
                using errcode = 'check_violation', constraint = 'role_is_revoked_by_a_change';
        end if;
        return old;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('accounts_personchange', 0));
    if not (public.accounts_confirmed_now(new.person_id, array['admit', 'grant'], new.role)
            or new.change_id is null and public.accounts_founding()) then
        raise exception 'a role is granted by a change that a second admin confirms'
            using errcode = 'check_violation', constraint = 'role_is_granted_by_a_change';
    end if;
    return new;
end
$$;
create trigger accounts_guard_grant before insert or update or delete on public.accounts_rolegrant
    for each row execute function public.accounts_guard_grant();
alter table public.accounts_rolegrant enable always trigger accounts_guard_grant;

-- Whoever says who may decide does not decide.
create function public.accounts_keep_admin_apart() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op = 'DELETE' then
        if old.role = 'admin' then
            perform public.accounts_two_admins_remain();
        end if;
    elsif exists (select from public.accounts_rolegrant where person_id = new.person_id and role = 'admin')
            and exists (select from public.accounts_rolegrant where person_id = new.person_id and role in ('support', 'approver')) then
        raise exception 'nobody holds admin together with support or approver'
            using errcode = 'check_violation', constraint = 'admin_stands_apart';
    end if;
    return null;
end
$$;
create trigger accounts_keep_admin_apart after insert or update or delete on public.accounts_rolegrant
    for each row execute function public.accounts_keep_admin_apart();
alter table public.accounts_rolegrant enable always trigger accounts_keep_admin_apart;

create function public.accounts_guard_person() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op = 'DELETE' then
        raise exception 'a person is disabled, never deleted' using errcode = 'insufficient_privilege';
    elsif tg_op = 'INSERT' then
        if new.is_active and not public.accounts_founding() then
            raise exception 'a person is admitted by a change that a second admin confirms'
                using errcode = 'check_violation', constraint = 'person_is_admitted_by_a_change';
        end if;
    elsif new.is_active <> old.is_active and not public.accounts_confirmed_now(
            new.id, case when new.is_active then array['admit', 'enable'] else array['disable'] end, null) then
        raise exception 'a person is enabled and disabled by a change that a second admin confirms'
            using errcode = 'check_violation', constraint = 'person_is_enabled_by_a_change';
    end if;
    return coalesce(new, old);
end
$$;
create trigger accounts_guard_person before insert or update of is_active or delete on public.accounts_person
    for each row execute function public.accounts_guard_person();
alter table public.accounts_person enable always trigger accounts_guard_person;

create function public.accounts_keep_two_admins() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if old.is_active and not new.is_active
            and exists (select from public.accounts_rolegrant where person_id = new.id and role = 'admin') then
        perform public.accounts_two_admins_remain();
    end if;
    return null;
end
$$;
create trigger accounts_keep_two_admins after update of is_active on public.accounts_person
    for each row execute function public.accounts_keep_two_admins();
alter table public.accounts_person enable always trigger accounts_keep_two_admins;
