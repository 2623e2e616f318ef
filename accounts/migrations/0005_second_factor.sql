-- Whether a person has a second factor (an authenticator app or a security key; recovery codes alone are none) stands
-- beside the person. It is counted, not believed: whatever is written there, the count is what is stored.

create function public.accounts_has_second_factor(who bigint) returns boolean
language sql stable set search_path = pg_catalog, pg_temp
as $$
    select exists (select from public.mfa_authenticator where user_id = who and type in ('totp', 'webauthn'))
$$;

create function public.accounts_count_second_factor() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    new.second_factor := public.accounts_has_second_factor(new.id);
    return new;
end
$$;
create trigger accounts_count_second_factor before insert or update of second_factor on public.accounts_person
    for each row execute function public.accounts_count_second_factor();
alter table public.accounts_person enable always trigger accounts_count_second_factor;

create function public.accounts_keep_second_factor() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    update public.accounts_person set second_factor = true
    where id in (case when tg_op <> 'INSERT' then old.user_id end, case when tg_op <> 'DELETE' then new.user_id end);
    return null;
end
$$;
create trigger accounts_keep_second_factor after insert or delete or update of user_id, type on public.mfa_authenticator
    for each row execute function public.accounts_keep_second_factor();
alter table public.mfa_authenticator enable always trigger accounts_keep_second_factor;

update public.accounts_person set second_factor = true;  -- the trigger counts
