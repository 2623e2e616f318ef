-- The two functions that the billing consistency runbook calls, written anew so that a window costs milliseconds.
-- "manage.py imagegen_functions" shows them, puts them into the source and takes them out again.

-- detect_generation_billing_anomalies --
-- What does not add up between jobs and the ledger, from a moment on (two hours ago unless said), newest first.
create or replace function public.detect_generation_billing_anomalies(
    p_since timestamptz default now() - interval '2 hours'
)
returns table (
    anomaly_type text,
    job_id uuid,
    user_id uuid,
    job_status text,
    consumption_tx_id uuid,
    refund_tx_id uuid,
    observed_at timestamptz,
    details jsonb
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan  -- so that the planner knows how many jobs it is about
as $body$
#variable_conflict use_column
declare
    touched uuid[];
begin
    -- Which jobs the window touches, by index. A ledger row names a job when its job_id is a uuid of version 1 to 5 and
    -- the standard variant, in any letter case.
    touched := array(
        select j.id from public.image_jobs j where j.updated_at >= p_since
        union
        select (t.metadata ->> 'job_id')::uuid
        from public.credit_transactions t
        where t.created_at >= p_since and t.transaction_type in ('consumption', 'refund')
          and t.metadata ->> 'job_id' like '________-____-____-____-____________' and t.metadata ->> 'job_id'
            ~ '^[0-9a-fA-F]+-[0-9a-fA-F]+-[1-5][0-9a-fA-F]+-[89abAB][0-9a-fA-F]+-[0-9a-fA-F]+$'
    );
    return query
    with billing as (
        select
            j.id, j.user_id, j.status, j.attempts, j.error_message, j.created_at, j.updated_at,
            c.id as consumption_id, c.created_at as consumption_at,
            r.id as refund_id, r.created_at as refund_at
        from (
            select
                *,
                get_byte(uuid_send(id), 6) >> 4 in (1, 2, 3, 4, 5) and get_byte(uuid_send(id), 8) >> 6 = 2 as nameable
            from public.image_jobs
        ) j
        left join public.credit_transactions c
            on c.user_id = j.user_id and c.transaction_type = 'consumption' and c.metadata ? 'job_id'
            and lower(c.metadata ->> 'job_id') = j.id::text and j.nameable
        left join public.credit_transactions r
            on r.user_id = j.user_id and r.transaction_type = 'refund' and r.metadata ? 'job_id'
            and lower(r.metadata ->> 'job_id') = j.id::text and j.nameable
        where j.id = any (touched)
    ),
    anomalies as (
        select
            b.*, k.kind,
            case k.kind
                when 'refund_for_succeeded_job' then greatest(b.refund_at, b.updated_at)
                when 'consumption_without_refund_for_failed_job' then greatest(b.consumption_at, b.updated_at)
                else b.updated_at
            end as seen_at
        from billing b
        cross join lateral (
            select 'refund_for_succeeded_job' where b.status = 'succeeded' and b.refund_id is not null
            union all
            select 'consumption_without_refund_for_failed_job'
            where b.status = 'failed' and b.consumption_id is not null and b.refund_id is null
            union all
            select 'succeeded_job_without_consumption' where b.status = 'succeeded' and b.consumption_id is null
        ) k (kind)
    )
    select
        a.kind, a.id, a.user_id, a.status, a.consumption_id, a.refund_id, a.seen_at,
        jsonb_build_object(
            'attempts', a.attempts,
            'error_message', a.error_message,
            'job_created_at', a.created_at,
            'job_updated_at', a.updated_at,
            'consumption_created_at', a.consumption_at,
            'refund_created_at', a.refund_at
        )
    from anomalies a
    where a.seen_at >= p_since
    order by a.seen_at desc, a.kind, a.id, a.consumption_id, a.refund_id;
end
$body$;

-- monitor_generation_billing_anomalies --
-- Detects, and only when something is found writes one row to the source's own audit log.
create or replace function public.monitor_generation_billing_anomalies(
    p_since timestamptz default now() - interval '2 hours'
)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $body$
declare
    found_count bigint;
    newest jsonb;
begin
    select
        count(*),
        coalesce(jsonb_agg(to_jsonb(a) - 'place' order by a.place) filter (where a.place <= 20), '[]'::jsonb)
    into found_count, newest
    from (
        select d.*, row_number() over (order by d.observed_at desc) as place
        from public.detect_generation_billing_anomalies(p_since) d
    ) a;
    if found_count > 0 then
        insert into public.admin_audit_log (admin_user_id, action_type, target_type, target_id, metadata)
        values (
            null, 'generation_billing_anomaly_detected', 'credit_transactions', null,
            jsonb_build_object(
                'count', found_count, 'since', p_since, 'sample', newest, 'auto_remediation', false, 'source', 'cron'
            )
        );
    end if;
    return jsonb_build_object('count', found_count, 'since', p_since, 'logged', found_count > 0);
end
$body$;
