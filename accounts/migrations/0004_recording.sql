-- People, their roles, and what is asked and decided about both record themselves: these triggers are the record.

create function public.accounts_record_change() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    what text := case new.kind
        when 'admit' then 'person_admission' when 'disable' then 'person_disabling' when 'enable' then 'person_enabling'
        when 'grant' then 'role_grant' when 'revoke' then 'role_revocation' else new.kind end;
begin
    perform public.admin_audit_log_acted(
        what || '_' || case new.state when 'pending' then 'requested' else new.state end,
        'person', new.person_id::text, 'done', new.reason, '', '', '', '',
        jsonb_build_object(
            'change', new.id, 'kind', new.kind, 'roles', new.roles,
            'name', (select name from public.accounts_person where id = new.person_id),
            'before', jsonb_build_object('state', case when tg_op = 'UPDATE' then old.state end),
            'after', jsonb_build_object('state', new.state)
        ));
    return null;
end
$$;

create constraint trigger accounts_record after insert or update of state on public.accounts_personchange
    deferrable initially deferred for each row execute function public.accounts_record_change();
create constraint trigger accounts_record after insert or update or delete on public.accounts_rolegrant
    deferrable initially deferred for each row
    execute function public.admin_audit_log_record_row('role', 'person', 'person_id', 'id');
create constraint trigger accounts_record after insert on public.accounts_person
    deferrable initially deferred for each row
    execute function public.admin_audit_log_record_row('person', 'person', 'id', 'password,last_login');
-- One's zone, language and colours are nobody's business, and a sign-in has an entry of its own.
create constraint trigger accounts_record_update after update on public.accounts_person
    deferrable initially deferred for each row
    when ((old.email, old.name, old.is_active, old.password) is distinct from
          (new.email, new.name, new.is_active, new.password))
    execute function public.admin_audit_log_record_row('person', 'person', 'id', 'password,last_login');
-- Also for a session that calls itself a replica.
alter table public.accounts_personchange enable always trigger accounts_record;
alter table public.accounts_rolegrant enable always trigger accounts_record;
alter table public.accounts_person enable always trigger accounts_record;
alter table public.accounts_person enable always trigger accounts_record_update;
