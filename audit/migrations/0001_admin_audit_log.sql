-- The audit log: one table that only grows, each row chained to the one before it.
--
-- Whoever writes calls admin_audit_log_append(); it runs with the owner's rights, and the site's role has no other way
-- in. The checks below also hold for the owner, so that no row can be stored whose columns, text and hash disagree, and
-- no row can have two successors. What only an owner can do (switch the triggers off) is what verification looks for.

-- The JSON text that is hashed: keys in order of code points, no white space, whole numbers only.
create function public.admin_audit_log_json(value jsonb) returns text
language plpgsql immutable strict parallel safe
as $$
begin
    case jsonb_typeof(value)
    when 'object' then
        return '{' || coalesce((
            select string_agg(to_json(key)::text || ':' || public.admin_audit_log_json(member), ',' order by key collate "C")
            from jsonb_each(value) as pair (key, member)
        ), '') || '}';
    when 'array' then
        return '[' || coalesce((
            select string_agg(public.admin_audit_log_json(member), ',' order by number)
            from jsonb_array_elements(value) with ordinality as element (member, number)
        ), '') || ']';
    when 'number' then
        if value::text !~ '^-?[0-9]+$' then
            raise exception 'audit metadata holds % where only whole numbers may stand', value
                using errcode = 'invalid_parameter_value', hint = 'Write it as text, or in the smallest unit.';
        end if;
        return value::text;
    else
        return value::text;
    end case;
end
$$;

-- Everything an entry says, as one text. Its place in the chain is not part of it: the hash adds that.
create function public.admin_audit_log_canonical(
    at timestamptz, actor_id text, actor text, action_type text, target_type text, target_id text, outcome text,
    reason text, job_id text, tx_id text, system text, correlation_id text, metadata jsonb
) returns text
language sql immutable parallel safe
return public.admin_audit_log_json(jsonb_build_object(
    'at', to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'actor_id', actor_id, 'actor', actor, 'action_type', action_type, 'target_type', target_type,
    'target_id', target_id, 'outcome', outcome, 'reason', reason, 'job_id', job_id, 'tx_id', tx_id,
    'system', system, 'correlation_id', correlation_id, 'metadata', metadata
));

-- Tag and version, position, previous hash, length in bytes, text: no part can be taken for another.
create function public.admin_audit_log_hash(place bigint, previous_hash text, canonical text) returns text
language sql immutable strict parallel safe
return encode(sha256(convert_to(
    'billingadmin audit 1' || chr(10) || place || chr(10) || previous_hash || chr(10)
    || octet_length(canonical) || chr(10) || canonical, 'UTF8'
)), 'hex');

create table public.admin_audit_log (
    position bigint not null,
    at timestamptz not null,
    actor_id text not null,
    actor text not null,
    action_type text not null,
    target_type text not null,
    target_id text not null,
    outcome text not null,
    reason text not null,
    job_id text not null,
    tx_id text not null,
    system text not null,
    correlation_id text not null,
    metadata jsonb not null,
    canonical text not null,
    previous_hash text not null,
    hash text not null,
    constraint admin_audit_log_pkey primary key (position),
    constraint admin_audit_log_position_counts check (position > 0),
    constraint admin_audit_log_says_who check (actor_id <> '' and actor <> ''),
    constraint admin_audit_log_says_what check (action_type ~ '^[a-z][a-z0-9_.]*$' and outcome ~ '^[a-z][a-z_]*$'),
    constraint admin_audit_log_metadata_is_object check (jsonb_typeof(metadata) = 'object'),
    constraint admin_audit_log_canonical_says_the_same check (
        canonical = public.admin_audit_log_canonical(
            at, actor_id, actor, action_type, target_type, target_id, outcome,
            reason, job_id, tx_id, system, correlation_id, metadata
        )
    ),
    constraint admin_audit_log_hash_seals check (hash = public.admin_audit_log_hash(position, previous_hash, canonical)),
    -- A chain does not fork: no two rows follow the same one.
    constraint admin_audit_log_one_successor unique (previous_hash)
);

-- The audit page: newest first, filtered. Each ends in position, so that a page is read straight from the index.
create index admin_audit_log_target on public.admin_audit_log (target_type, target_id, position);
create index admin_audit_log_actor on public.admin_audit_log (actor_id, position);
create index admin_audit_log_action on public.admin_audit_log (action_type, position);
create index admin_audit_log_outcome on public.admin_audit_log (outcome, position) where outcome <> 'done';
create index admin_audit_log_system on public.admin_audit_log (system, position) where system <> '';
create index admin_audit_log_job on public.admin_audit_log (job_id, position) where job_id <> '';
create index admin_audit_log_tx on public.admin_audit_log (tx_id, position) where tx_id <> '';
create index admin_audit_log_correlation on public.admin_audit_log (correlation_id, position) where correlation_id <> '';
create index admin_audit_log_target_id on public.admin_audit_log (target_id, position) where target_id <> '';
create index admin_audit_log_at on public.admin_audit_log (at);

create function public.admin_audit_log_refuse() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception 'the audit log only grows: % is refused', lower(tg_op) using errcode = 'insufficient_privilege';
end
$$;

create trigger admin_audit_log_no_change before update or delete on public.admin_audit_log
    for each row execute function public.admin_audit_log_refuse();
create trigger admin_audit_log_no_truncate before truncate on public.admin_audit_log
    for each statement execute function public.admin_audit_log_refuse();
-- Always: also for a session that calls itself a replica.
alter table public.admin_audit_log enable always trigger admin_audit_log_no_change;
alter table public.admin_audit_log enable always trigger admin_audit_log_no_truncate;

-- Appends one entry and answers its position. The chain's lock is the last one of a transaction and held until its
-- end, so whoever writes here writes nothing afterwards; who waits longer than five seconds for it fails, and with it
-- what was to be recorded. A snapshot older than the lock would chain to the wrong row: READ COMMITTED only.
create function public.admin_audit_log_append(
    actor_id text, actor text, action_type text, target_type text, target_id text, outcome text, reason text,
    job_id text, tx_id text, system text, correlation_id text, metadata jsonb
) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s'
as $$
#variable_conflict use_column
declare
    entry public.admin_audit_log;
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'the audit log is written under READ COMMITTED, not %', upper(current_setting('transaction_isolation'))
            using errcode = 'object_not_in_prerequisite_state';
    end if;
    perform public.admin_audit_log_json($12);  -- what cannot be told in canonical form is refused before anybody waits
    perform pg_advisory_xact_lock(hashtextextended('admin_audit_log', 0));

    select position, hash into entry.position, entry.previous_hash
    from public.admin_audit_log order by position desc limit 1;
    entry.position := coalesce(entry.position, 0) + 1;
    entry.previous_hash := coalesce(entry.previous_hash, repeat('0', 64));
    entry.at := clock_timestamp();
    entry.canonical := public.admin_audit_log_canonical(entry.at, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);
    entry.hash := public.admin_audit_log_hash(entry.position, entry.previous_hash, entry.canonical);

    insert into public.admin_audit_log
    values (entry.position, entry.at, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
            entry.canonical, entry.previous_hash, entry.hash);
    return entry.position;
end
$$;
revoke all on function public.admin_audit_log_append(text, text, text, text, text, text, text, text, text, text, text, jsonb) from public;
