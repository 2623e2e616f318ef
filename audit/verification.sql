-- rows --
-- Every entry in order of position, as an export has it: place, what the columns say, sealed text, hashes.
select
    position,
    json_build_object(
        'at', to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'actor_id', actor_id, 'actor', actor, 'action_type', action_type, 'target_type', target_type,
        'target_id', target_id, 'outcome', outcome, 'reason', reason, 'job_id', job_id, 'tx_id', tx_id,
        'system', system, 'correlation_id', correlation_id, 'metadata', metadata
    )::text as columns,
    canonical,
    previous_hash,
    hash
from public.admin_audit_log
where (position > %(after)s or %(after)s = 0 or position is null)
    and (position <= %(until)s or %(until)s::bigint is null or position is null)
order by position

-- order --
-- How many entries there are, where the last one is, and behind which position the first of each fault in their order is.
select
    count(*) as entries,
    coalesce(max(position), %(after)s) as head,
    min(before) filter (where position is null or position <= before) as stray,
    min(before) filter (where position > before + 1 and before >= %(after)s) as missing,
    min(before) filter (where position = before + 1 and previous_hash is distinct from previous) as link
from (
    select
        position, previous_hash,
        lag(position, 1, %(after)s::bigint) over by_position as before,
        lag(hash, 1, %(head)s) over by_position as previous
    from public.admin_audit_log
    where position > %(after)s or %(after)s = 0 or position is null
    window by_position as (order by position)
) as entry

-- contents --
-- The position before the first entry whose hash does not seal its text, and before the first whose columns say something
-- else. Everything is spelled out with PostgreSQL's own functions: ours could have been replaced. Of the metadata the
-- meaning is compared, as text in the one form that jsonb has.
select
    min(position) filter (where hash is distinct from encode(sha256(convert_to(
        'billingadmin audit 1' || chr(10) || position || chr(10) || previous_hash || chr(10)
        || octet_length(canonical) || chr(10) || canonical, 'UTF8'
    )), 'hex')) - 1 as content,
    min(position) filter (where (
        canonical = start || middle || ending and middle::jsonb::text = metadata::text
    ) is not true) - 1 as columns
from public.admin_audit_log
cross join lateral (
    select
        '{"action_type":' || to_json(action_type) || ',"actor":' || to_json(actor) || ',"actor_id":' || to_json(actor_id)
        || ',"at":"' || to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        || '","correlation_id":' || to_json(correlation_id) || ',"job_id":' || to_json(job_id) || ',"metadata":' as start,
        ',"outcome":' || to_json(outcome) || ',"reason":' || to_json(reason) || ',"system":' || to_json(system)
        || ',"target_id":' || to_json(target_id) || ',"target_type":' || to_json(target_type)
        || ',"tx_id":' || to_json(tx_id) || '}' as ending
    offset 0  -- made once for each entry, however often it is named
) as frame
cross join lateral (
    select substr(canonical, length(start) + 1, greatest(0, length(canonical) - length(start) - length(ending))) as middle
    offset 0
) as inside
where position > %(after)s and position <= %(until)s

-- hashes --
-- The hashes that stand at these positions now.
select position, hash from public.admin_audit_log where position = any(%(positions)s::bigint[])

-- moment --
-- When the entry at a position was written.
select at from public.admin_audit_log where position = %(position)s
