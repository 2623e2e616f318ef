-- A passed check is made unused, serves one decision within minutes, and stays as the evidence of it.
--
-- The site's role can make such a row and change none. Only the guard of the decision, which runs with the rights of
-- the tables' owner, marks one as used; so one check cannot serve two decisions, another person or another content.

create function public.accounts_guard_step_up() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    if tg_op = 'INSERT' then
        if new.used_at is not null then
            raise exception 'a check begins unused' using errcode = 'check_violation', constraint = 'step_up_begins_unused';
        end if;
        new.made_at := clock_timestamp();
        return new;
    end if;
    if tg_op = 'UPDATE' and old.used_at is null and new.used_at is not null
       and to_jsonb(new) - '{used_at,used_for}'::text[] = to_jsonb(old) - '{used_at,used_for}'::text[] then
        return new;
    end if;
    raise exception 'a check is used once, and stays' using errcode = 'check_violation', constraint = 'step_up_stays';
end
$$;
create trigger accounts_guard_step_up before insert or update or delete on public.accounts_stepup
    for each row execute function public.accounts_guard_step_up();
alter table public.accounts_stepup enable always trigger accounts_guard_step_up;

create function public.accounts_keep_step_ups() returns trigger
language plpgsql
as $$
begin
    raise exception 'checks are never emptied' using errcode = 'check_violation', constraint = 'step_up_stays';
end
$$;
create trigger accounts_no_truncate before truncate on public.accounts_stepup
    for each statement execute function public.accounts_keep_step_ups();

-- Uses up the newest check of this person for this content that holds at this moment, by the site's clock and by the
-- database's own. False when there is none. Called by hand it wastes a check, and nothing else.
create function public.accounts_use_step_up(who bigint, content text, moment timestamptz, purpose text) returns boolean
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    update accounts_stepup set used_at = moment, used_for = purpose
    where used_at is null and id = (
        select s.id from accounts_stepup s
        where s.person_id = who and s.about = content and s.used_at is null
          and s.passed_at <= moment and moment < s.expires_at
          and s.made_at > clock_timestamp() - interval '5 minutes'
        order by s.passed_at desc, s.made_at desc limit 1 for update);
    return found;
end
$$;
