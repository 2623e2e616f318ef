-- Whom of the console a source knows under which id, and what the house's directory may ask for.
--
-- Nobody as asker means the directory. It is one voice: somebody comes in, or gets a role, once an admin confirms. A role
-- that the directory takes away is gone at once. It speaks only in a transaction that says it is the directory that acts,
-- so the audit log names it, and a person's doings are never passed off as the directory's.

create function public.accounts_directory_speaks() returns boolean
language sql stable set search_path = pg_catalog, pg_temp
as $$
    select coalesce(current_setting('billingadmin.actor_id', true), '') = 'directory'
$$;

create or replace function public.accounts_guard_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    decided constant text[] := array['state', 'decided_by_id', 'decided_at', 'confirmed_in'];
begin
    if tg_op = 'DELETE' then
        raise exception 'a change is never deleted' using errcode = 'insufficient_privilege';
    elsif tg_op = 'INSERT' then
        if new.requested_by_id is null and not public.accounts_directory_speaks() then
            raise exception 'a change that nobody asks for is the directory''s'
                using errcode = 'check_violation', constraint = 'change_is_asked_by_the_directory';
        end if;
        if new.state <> 'pending'
                or new.requested_by_id is not null and not public.accounts_is_admin(new.requested_by_id) then
            raise exception 'a change begins as the request of an admin, or of the directory'
                using errcode = 'check_violation', constraint = 'change_is_asked_by_an_admin';
        end if;
        return new;
    end if;
    if old.state <> 'pending' or to_jsonb(old) - decided is distinct from to_jsonb(new) - decided then
        raise exception 'a change is decided once and not altered'
            using errcode = 'check_violation', constraint = 'change_is_decided_once';
    end if;
    if new.decided_by_id is null and new.state <> 'pending' and not public.accounts_directory_speaks() then
        raise exception 'only the directory decides without a person'
            using errcode = 'check_violation', constraint = 'change_is_decided_by_the_directory';
    end if;
    new.confirmed_in := null;
    if new.state = 'confirmed' then
        perform pg_advisory_xact_lock(hashtextextended('accounts_personchange', 0));
        -- Without a second person only what the constraints allow: a role that the directory takes away.
        if new.decided_by_id is not null and not public.accounts_is_admin(new.decided_by_id)
                or new.requested_by_id is not null and not public.accounts_is_admin(new.requested_by_id) then
            raise exception 'a change is asked and confirmed by admins'
                using errcode = 'check_violation', constraint = 'change_is_confirmed_by_admins';
        end if;
        new.confirmed_in := pg_current_xact_id()::text::bigint;
    end if;
    return new;
end
$$;

-- Source identities ---------------------------------------------------------------------------------------------------

create function public.accounts_guard_identity() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    it accounts_sourceidentity;
begin
    if tg_op = 'UPDATE' then
        raise exception 'an identity is matched or unmatched, never altered' using errcode = 'insufficient_privilege';
    elsif tg_op = 'DELETE' then
        it := old;
    else
        it := new;
    end if;
    -- A decision of this person that is being made is committed first, or sees this.
    perform 1 from accounts_person where id = it.person_id for no key update;
    if not exists (
            select from accounts_personchange
            where confirmed_in = pg_current_xact_id()::text::bigint and state = 'confirmed'
              and person_id = it.person_id and kind = case tg_op when 'INSERT' then 'match' else 'unmatch' end
              and (identity_kind, identity_system, lower(identity_value)) = (it.kind, it.system, lower(it.value))
              and (tg_op = 'DELETE' or id = it.change_id)) then
        raise exception 'an identity is matched by a change that a second admin confirms'
            using errcode = 'check_violation', constraint = 'identity_is_matched_by_a_change';
    end if;
    return it;
end
$$;
create trigger accounts_guard_identity before insert or update or delete on public.accounts_sourceidentity
    for each row execute function public.accounts_guard_identity();
alter table public.accounts_sourceidentity enable always trigger accounts_guard_identity;

create constraint trigger accounts_record after insert or update or delete on public.accounts_sourceidentity
    deferrable initially deferred for each row
    execute function public.admin_audit_log_record_row('identity', 'person', 'person_id', 'id');
alter table public.accounts_sourceidentity enable always trigger accounts_record;

-- Whether any of these, as a source of this system writes them, is this person. The address under which somebody signs
-- in here is theirs without being matched.
create function public.accounts_is_beneficiary(who bigint, named text[], in_system text default '') returns boolean
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
    with spoken as materialized (select lower(btrim(value)) as value from unnest(named) as every (value))
    select exists (
        select from accounts_sourceidentity known join spoken on lower(known.value) = spoken.value
        where known.person_id = who and (known.system = '' or in_system = '' or known.system = in_system)
    ) or exists (select from accounts_person person join spoken on lower(person.email) = spoken.value where person.id = who)
$$;
