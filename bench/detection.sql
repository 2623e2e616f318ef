-- there --
-- Whether a source of an earlier run is there.
select exists (select from pg_database where datname = %s)

-- jobs --
-- A history of jobs, oldest first: so many in the last two hours, the rest evenly over a year before.
insert into public.image_jobs (
    id, user_id, status, attempts, error_message, model, generation_type, generation_metadata, input_image_url,
    result_image_url, created_at, updated_at, started_at, completed_at
)
select
    gen_random_uuid(), md5('user' || n %% %(users)s)::uuid, status,
    case status when 'failed' then 3 else 0 end,
    case status when 'failed' then 'No images generated' end,
    'gemini-2.5-flash-image', case odd when 11 then 'one_tap_style' else 'coordinate' end,
    case odd when 11 then '{"oneTapStyle": {"billingMode": "free"}}'::jsonb end,
    'https://storage.example/storage/v1/object/public/inputs/' || md5('user' || n %% %(users)s) || '/' || n || '.png',
    case status
        when 'succeeded' then 'https://storage.example/storage/v1/object/public/results/' || md5(n::text) || '.png'
    end,
    at - interval '1 minute', at, at - interval '50 s', at
from (
    select
        *,
        case
            when odd in (2, 4, 5) then 'failed'
            when odd = 6 then 'processing'
            when odd between 1 and 11 then 'succeeded'
            when n %% 20 = 0 then 'failed'
            else 'succeeded'
        end as status
    from (
        select
            n,
            n %% case when n <= %(recent)s then 300 else 20000 end as odd,
            %(now)s - case
                when n <= %(recent)s then n * (interval '2 hours' / %(recent)s)
                else interval '2 hours' + (n - %(recent)s) * (interval '365 days' / %(jobs)s)
            end as at
        from generate_series(1, %(jobs)s) as n
    ) as numbered
) as told
order by n desc

-- oddities --
-- Which jobs are to be odd, and how; the other half of what the first statement decided by number.
create temporary table oddity as
select id, user_id, status, at, case when n <= %(recent)s then n %% 300 else n %% 20000 end as odd
from (
    select id, user_id, status, updated_at as at, row_number() over (order by updated_at desc) as n
    from public.image_jobs
) as numbered

-- charges --
-- A charge for each job but the odd ones; of one in fifty the id is in capitals.
insert into public.credit_transactions (user_id, amount, transaction_type, metadata, created_at)
select
    case odd when 7 then md5(user_id::text)::uuid else user_id end, -20, 'consumption',
    jsonb_build_object(
        'job_id',
        case
            when odd = 8 then ' ' || id
            when odd = 9 then gen_random_uuid()::text
            when hashtext(id::text) %% 50 = 0 then upper(id::text)
            else id::text
        end,
        'reason', 'image_generation', 'source', 'edge_function', 'from_promo', 20, 'from_paid', 0
    ),
    at - interval '40 s'
from oddity
where odd not in (1, 5, 11)
order by at

-- charges_again --
-- A second charge in another spelling.
insert into public.credit_transactions (user_id, amount, transaction_type, metadata, created_at)
select
    user_id, -20, 'consumption',
    jsonb_build_object('job_id', case when hashtext(id::text) %% 50 = 0 then id::text else upper(id::text) end), at
from oddity
where odd = 10

-- refunds --
-- A refund for each job that failed, but for the odd ones.
insert into public.credit_transactions (user_id, amount, transaction_type, metadata, created_at)
select
    user_id, case odd when 4 then 15 else 20 end, 'refund',
    jsonb_build_object(
        'job_id', case when hashtext(id::text) %% 50 = 0 then upper(id::text) else id::text end,
        'reason', 'image_generation_failed', 'source', 'edge_function', 'to_promo', 20, 'to_paid', 0
    ),
    at
from oddity
where (status = 'failed' and odd <> 2) or odd in (3, 6)
order by at

-- straightforward --
-- The three anomalies of a window as one would write them down: all charges and refunds once, joined, then filtered.
with ledger as (
    select
        id, user_id, transaction_type, created_at,
        case
            when metadata ->> 'job_id' ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'
                then (metadata ->> 'job_id')::uuid
        end as job_id
    from public.credit_transactions
    where transaction_type in ('consumption', 'refund')
),
billing as (
    select
        j.id, j.status, j.updated_at, c.id as consumption_id, r.id as refund_id,
        greatest(c.created_at, j.updated_at) as charge_at, greatest(r.created_at, j.updated_at) as refund_at
    from public.image_jobs j
    left join (select * from ledger where transaction_type = 'consumption') c
        on c.job_id = j.id and c.user_id = j.user_id
    left join (select * from ledger where transaction_type = 'refund') r on r.job_id = j.id and r.user_id = j.user_id
)
select 'refund_for_succeeded_job', id::text, coalesce(consumption_id::text, '-') || ':' || refund_id
from billing
where status = 'succeeded' and refund_id is not null and refund_at >= %(since)s
union
select 'consumption_without_refund_for_failed_job', id::text, consumption_id::text
from billing
where status = 'failed' and consumption_id is not null and refund_id is null and charge_at >= %(since)s
union
select 'succeeded_job_without_consumption', id::text, coalesce(refund_id::text, '-')
from billing
where status = 'succeeded' and consumption_id is null and updated_at >= %(since)s

-- copy_jobs --
-- What it takes to read all jobs once.
copy public.image_jobs to '/dev/null'

-- copy_ledger --
-- What it takes to read the whole ledger once.
copy public.credit_transactions to '/dev/null'
