-- Rows that must not go unrecorded record themselves: a deferred constraint trigger on their table appends the entry, so
-- no path to the table can forget it, and none can change a row without saying who acts.
--
-- Who acts, and why, is said in settings of the transaction (audit/log.py: acting). Deferred, because the chain's lock
-- must be the last one of a transaction: taken at the change itself, two transactions would wait for each other.

-- Appends an entry for whoever acts in this transaction. ``reason`` and ``correlation_id`` hold where the transaction
-- says nothing of its own.
create function public.admin_audit_log_acted(
    action_type text, target_type text, target_id text, outcome text, reason text, system text,
    job_id text, tx_id text, correlation_id text, metadata jsonb
) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    actor_id text := coalesce(current_setting('billingadmin.actor_id', true), '');
    actor text := coalesce(current_setting('billingadmin.actor', true), '');
begin
    if actor_id = '' or actor = '' then
        raise exception 'nobody said who does this (%), so it is not done', $1
            using errcode = 'check_violation', constraint = 'audit_says_who',
                hint = 'Use audit.log.acting(actor), which says it for the transaction.';
    end if;
    return public.admin_audit_log_append(
        actor_id, actor, $1, $2, $3, $4,
        coalesce(nullif(current_setting('billingadmin.reason', true), ''), $5),
        $7, $8, $6,
        coalesce(nullif(current_setting('billingadmin.correlation_id', true), ''), $9),
        $10 || jsonb_build_object('login', session_user)
    );
end
$$;
revoke all on function public.admin_audit_log_acted(text, text, text, text, text, text, text, text, text, jsonb) from public;

-- JSON as the log can tell it: a number that is not whole is told as text.
create function public.admin_audit_log_tellable(value jsonb) returns jsonb
language sql immutable strict parallel safe
return case
    when jsonb_typeof(value) = 'number' and value::text !~ '^-?[0-9]+$' then to_jsonb(value::text)
    else value
end;

-- The record of a plain table. Arguments: prefix of the action, target type, column that holds the target's id, and the
-- columns that are never told, with commas between. A change that touches only such columns tells that it happened.
create function public.admin_audit_log_record_row() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    verb text := case tg_op when 'INSERT' then 'added' when 'UPDATE' then 'changed' else 'removed' end;
    hidden text[] := string_to_array(tg_argv[3], ',');
    was jsonb := case when tg_op = 'INSERT' then '{}' else to_jsonb(old) end;
    becomes jsonb := case when tg_op = 'DELETE' then '{}' else to_jsonb(new) end;
    changed text[];
    told jsonb;
begin
    select array_agg(key) into changed
    from jsonb_object_keys(was || becomes) as column_name (key) where was -> key is distinct from becomes -> key;
    if changed is null then
        return null;  -- an update that changed nothing
    end if;
    select jsonb_build_object(
        'table', tg_table_name,
        'before', coalesce(jsonb_object_agg(key, public.admin_audit_log_tellable(was -> key)) filter (where was ? key), '{}'),
        'after', coalesce(jsonb_object_agg(key, public.admin_audit_log_tellable(becomes -> key)) filter (where becomes ? key), '{}')
    ) into told
    from unnest(changed) as column_name (key) where not key = any (hidden);
    if changed && hidden then
        told := told || jsonb_build_object('changed_unseen', (
            select jsonb_agg(key order by key) from unnest(changed) as column_name (key) where key = any (hidden)));
    end if;
    perform public.admin_audit_log_acted(
        tg_argv[0] || '_' || verb, tg_argv[1], coalesce((was || becomes) ->> tg_argv[2], ''), 'done', '',
        coalesce((was || becomes) ->> 'system', ''), '', '', '', told
    );
    return null;
end
$$;
