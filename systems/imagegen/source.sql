-- Facts --------------------------------------------------------------------------------------------------------------
--
-- A ledger row names a job when its metadata.job_id is a uuid of version 1 to 5 and the standard variant, in any letter
-- case, and it counts for the job only if it is its user's. lower(text) = id::text says so without a cast that could
-- fail, and by index; of the job's own id, version and variant are left to check (bytes 6 and 8). Where a cast is
-- needed, LIKE says how long the parts are and a regular expression what they are made of: one that counts is slow.

-- job_billing --
-- Each job with each of its charges and each of its refunds.
select
    j.id as job_id,
    j.user_id,
    j.status,
    j.attempts,
    j.error_message,
    j.model,
    j.generation_type,
    j.generation_metadata #>> '{oneTapStyle,billingMode}' as billing_mode,
    j.created_at,
    j.completed_at,
    j.updated_at,
    c.id as consumption_id,
    c.amount as consumption_amount,
    c.created_at as consumption_at,
    r.id as refund_id,
    r.amount as refund_amount,
    r.created_at as refund_at,
    r.amount - abs(c.amount::bigint) as refund_excess,
    greatest(c.created_at, j.updated_at) as charge_observed_at,
    greatest(r.created_at, j.updated_at) as refund_observed_at,
    greatest(c.created_at, r.created_at, j.updated_at) as pair_observed_at,
    (j.status = 'succeeded') as succeeded,
    (j.status = 'failed') as failed,
    (j.status in ('queued', 'processing')) as in_progress,
    (j.status not in ('queued', 'processing', 'succeeded', 'failed')) as status_unknown,
    (c.user_id is not null) as charged,
    (r.user_id is not null) as refunded,
    coalesce(r.amount <> abs(c.amount::bigint), false) as amounts_differ,
    j.nameable,
    coalesce(
        j.generation_type = 'one_tap_style'
        and jsonb_typeof(j.generation_metadata -> 'oneTapStyle') = 'object'
        and j.generation_metadata #>> '{oneTapStyle,billingMode}' is distinct from 'paid',
        false
    ) as free_by_design,
    (j.created_at >= '2026-04-11Z' and j.created_at < '2026-04-29Z') as in_free_weeks
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

-- job_billing_touched --
-- The jobs that changed in a window, and those that a ledger row of the window names.
select id as job_id
from public.image_jobs
where updated_at >= %(since)s and updated_at < %(until)s
union
select
    case
        when metadata ->> 'job_id' like '________-____-____-____-____________' and metadata ->> 'job_id'
            ~ '^[0-9a-fA-F]+-[0-9a-fA-F]+-[1-5][0-9a-fA-F]+-[89abAB][0-9a-fA-F]+-[0-9a-fA-F]+$'
            then (metadata ->> 'job_id')::uuid
    end
from public.credit_transactions
where created_at >= %(since)s and created_at < %(until)s
  and transaction_type in ('consumption', 'refund') and metadata ? 'job_id'

-- job_billing_suspects --
-- The jobs that did not end in an ordinary way: succeeded and charged, or failed and whole again, or still at work.
select j.id as job_id
from (
    select
        id, user_id, status,
        case
            when get_byte(uuid_send(id), 6) >> 4 in (1, 2, 3, 4, 5) and get_byte(uuid_send(id), 8) >> 6 = 2
                then id::text
        end as named
    from public.image_jobs
    where (%(low)s::uuid is null or id >= %(low)s) and (%(high)s::uuid is null or id < %(high)s)
) j
left join (
    select user_id, transaction_type, amount, lower((metadata ->> 'job_id') collate "C") as named
    from public.credit_transactions
    where transaction_type in ('consumption', 'refund')
) t on t.user_id = j.user_id and t.named = j.named
where not (j.status = 'succeeded' and t.transaction_type is not distinct from 'consumption')
group by j.id, j.status
having case j.status
    when 'succeeded' then true
    when 'failed' then count(*) > 2
        or sum(t.amount) filter (where t.transaction_type = 'refund')
            is distinct from sum(abs(t.amount::bigint)) filter (where t.transaction_type = 'consumption')
    else count(*) filter (where t.transaction_type = 'refund') > 0
end

-- jobs_estimated --
-- How many jobs there are, as the server's statistics have it.
select greatest(reltuples, 0)::bigint as jobs from pg_class where oid = 'public.image_jobs'::regclass

-- ledger_row --
-- Each ledger row with the job it names.
select
    t.id as transaction_id,
    t.user_id,
    t.transaction_type,
    t.amount,
    t.metadata ->> 'job_id' as job_id,
    j.user_id as job_user_id,
    t.related_generation_id,
    t.created_at,
    coalesce(t.created_at, 'epoch') as observed_at,
    (t.transaction_type in ('consumption', 'refund')) as bills_a_job,
    coalesce(t.metadata ? 'job_id', false) as has_job_id,
    (t.named is not null) as well_formed,
    (j.user_id is not null) as job_exists,
    coalesce(j.user_id = t.user_id, false) as job_of_its_user,
    (t.created_at is null) as undated
from (
    select
        *,
        case
            when metadata ->> 'job_id' like '________-____-____-____-____________' and metadata ->> 'job_id'
                ~ '^[0-9a-fA-F]+-[0-9a-fA-F]+-[1-5][0-9a-fA-F]+-[89abAB][0-9a-fA-F]+-[0-9a-fA-F]+$'
                then (metadata ->> 'job_id')::uuid
        end as named
    from public.credit_transactions
) t
left join public.image_jobs j on j.id = t.named

-- ledger_row_touched --
-- The charges and refunds of a window that say which job they are about.
select id as transaction_id
from public.credit_transactions
where created_at >= %(since)s and created_at < %(until)s
  and transaction_type in ('consumption', 'refund') and metadata ? 'job_id'

-- ledger_row_suspects --
-- The charges and refunds that name no job of their user.
select t.id as transaction_id
from (
    select id, user_id, lower((metadata ->> 'job_id') collate "C") as named
    from public.credit_transactions
    where transaction_type in ('consumption', 'refund') and metadata ? 'job_id'
      and (%(low)s::uuid is null or id >= %(low)s) and (%(high)s::uuid is null or id < %(high)s)
) t
left join (
    select
        user_id,
        case
            when get_byte(uuid_send(id), 6) >> 4 in (1, 2, 3, 4, 5) and get_byte(uuid_send(id), 8) >> 6 = 2
                then id::text
        end as named
    from public.image_jobs
) j on j.user_id = t.user_id and j.named = t.named
where j.user_id is null

-- ledger_group --
-- The charges, or the refunds, of one user that name one job, in whatever letter case, with their ids oldest first.
select
    t.named as job_id,
    t.user_id,
    t.transaction_type,
    (array_agg(t.id order by t.created_at nulls first, t.id))[1] as oldest_transaction_id,
    array_agg(t.id order by t.created_at nulls first, t.id) as transaction_ids,
    count(*) as row_count,
    count(distinct t.spelling) as spelling_count,
    sum(t.amount) - (array_agg(t.amount order by t.created_at nulls first, t.id))[1] as extra_amount,
    coalesce(max(t.created_at), 'epoch') as observed_at,
    (count(*) > 1) as repeated,
    (count(*) > count(distinct t.spelling)) as spelled_alike
from (
    select *, metadata ->> 'job_id' as spelling, lower(metadata ->> 'job_id') as named
    from public.credit_transactions
    where transaction_type in ('consumption', 'refund') and metadata ? 'job_id'
      and metadata ->> 'job_id' like '________-____-____-____-____________' and metadata ->> 'job_id'
        ~ '^[0-9a-fA-F]+-[0-9a-fA-F]+-[1-5][0-9a-fA-F]+-[89abAB][0-9a-fA-F]+-[0-9a-fA-F]+$'
) t
group by t.named, t.user_id, t.transaction_type

-- ledger_group_touched --
-- The jobs that the charges and refunds of a window name.
select lower(metadata ->> 'job_id') as job_id
from public.credit_transactions
where created_at >= %(since)s and created_at < %(until)s
  and transaction_type in ('consumption', 'refund') and metadata ? 'job_id'

-- ledger_group_suspects --
-- The jobs that more than one charge, or refund, names. Where the source's unique indexes stand, one of any two has
-- capitals in its spelling, and only these are looked at. By the CASE the planner takes them for few, which they are.
select lower(t.metadata ->> 'job_id') as job_id
from public.credit_transactions t
where t.transaction_type in ('consumption', 'refund') and t.metadata ? 'job_id'
  and case when t.metadata ->> 'job_id' ~ '[A-F]' then 1 end = 1
  and exists (
    select
    from public.credit_transactions d
    where d.user_id = t.user_id and d.transaction_type = t.transaction_type and d.metadata ? 'job_id'
      and lower(d.metadata ->> 'job_id') = lower(t.metadata ->> 'job_id') and d.id <> t.id
)
union
select lower(metadata ->> 'job_id')
from public.credit_transactions
where transaction_type in ('consumption', 'refund') and metadata ? 'job_id'
  and 2 > (
    select count(*)
    from (values ('consumption'), ('refund')) kind (name)
    where exists (
        select
        from pg_index i
        where i.indrelid = 'public.credit_transactions'::regclass and i.indisunique and i.indisvalid
          and pg_get_indexdef(i.indexrelid) like '%%(user_id, ((metadata ->> ''job_id''::text))) WHERE %%'
          and pg_get_expr(i.indpred, i.indrelid)
            = format('((transaction_type = %%L::text) AND (metadata ? ''job_id''::text))', kind.name)
    )
)
group by user_id, transaction_type, lower(metadata ->> 'job_id')
having count(*) > 1

-- Subjects and their timelines ---------------------------------------------------------------------------------------

-- job --
-- One job by its id.
select
    id, user_id, prompt_text, generation_type, generation_metadata, model, requested_image_count, status,
    processing_stage, attempts, error_message, input_image_url, result_image_url, created_at, started_at, completed_at,
    updated_at,
    coalesce(
        generation_type = 'one_tap_style'
        and jsonb_typeof(generation_metadata -> 'oneTapStyle') = 'object'
        and generation_metadata #>> '{oneTapStyle,billingMode}' is distinct from 'paid',
        false
    ) as free_by_design
from public.image_jobs
where id = %(job_id)s

-- ledger_of_job --
-- Every ledger row that names a job, whoever's it is and in any of the usual spellings of the id, oldest first.
select
    id, user_id, amount, transaction_type, related_generation_id, metadata, created_at,
    metadata ->> 'job_id' as job_id_text, jsonb_typeof(metadata -> 'job_id') as job_id_type
from public.credit_transactions
where metadata ? 'job_id' and lower(metadata ->> 'job_id') = any(%(spellings)s)
order by created_at, id

-- transaction --
-- One ledger row by its id.
select
    id, user_id, amount, transaction_type, stripe_payment_intent_id, related_generation_id, metadata, created_at,
    metadata ->> 'job_id' as job_id_text, jsonb_typeof(metadata -> 'job_id') as job_id_type
from public.credit_transactions
where id = %(transaction_id)s

-- payment --
-- The ledger row of a Stripe payment or invoice.
select id, transaction_type, amount
from public.credit_transactions
where stripe_payment_intent_id = %(payment)s

-- charge_of_image --
-- The ledger rows that name an image.
select id, metadata ->> 'job_id' as job_id_text
from public.credit_transactions
where related_generation_id = %(image_id)s
order by created_at, id

-- image --
-- One image by its id.
select
    id, user_id, image_url, storage_path, prompt, is_posted, caption, posted_at, created_at, image_job_id,
    image_job_result_index, model, width, height, generation_type, moderation_status
from public.generated_images
where id = %(image_id)s

-- images_of_job --
-- The images a job made, and those that its ledger rows name.
select
    id, user_id, image_url, storage_path, prompt, is_posted, created_at, image_job_id, image_job_result_index, model,
    width, height, moderation_status
from public.generated_images
where image_job_id = %(job_id)s or id = any(%(image_ids)s::uuid[])
order by created_at, image_job_result_index, id

-- allocations_of_job --
-- Which purse paid which part of a job.
select
    id, user_id, consumption_transaction_id, refund_transaction_id, allocation_kind, source_batch_id, source_expire_at,
    amount, created_at, restored_at
from public.generation_percoin_allocations
where job_id = %(job_id)s
order by created_at, allocation_kind, id

-- batches_of_transactions --
-- What is left of the free credits that some ledger rows granted.
select id, user_id, amount, remaining_amount, granted_at, expire_at, source, credit_transaction_id
from public.free_percoin_batches
where credit_transaction_id = any(%(transaction_ids)s::uuid[])
order by granted_at, id

-- audit_naming --
-- The source's own audit rows that name any of some ids, in whatever place.
select id, admin_user_id, action_type, target_type, target_id, metadata, created_at
from public.admin_audit_log
where target_id = any(%(ids)s)
    or metadata ->> 'job_id' = any(%(ids)s)
    or metadata ->> 'tx_id' = any(%(ids)s)
    or jsonb_path_exists(metadata, '$.sample[*].job_id ? (@ == $job)', jsonb_build_object('job', %(job_id)s::text))
order by created_at, id
limit 100

-- user --
-- What a user's purses hold, and what the ledger and the expiries say they should.
select
    balance, paid_balance, updated_at,
    (
        select coalesce(sum(remaining_amount), 0)
        from public.free_percoin_batches where user_id = %(user_id)s and expire_at is null
    ) as unlimited,
    (
        select coalesce(sum(remaining_amount), 0)
        from public.free_percoin_batches where user_id = %(user_id)s and expire_at is not null
    ) as limited,
    (select coalesce(sum(amount), 0) from public.credit_transactions where user_id = %(user_id)s) as ledger,
    (
        select coalesce(sum(amount_expired), 0)
        from public.free_percoin_expiration_log where user_id = %(user_id)s
    ) as expired
from public.user_credits
where user_id = %(user_id)s

-- user_ledger --
-- The newest ledger rows of a user.
select
    id, user_id, amount, transaction_type, related_generation_id, metadata, created_at,
    metadata ->> 'job_id' as job_id_text, jsonb_typeof(metadata -> 'job_id') as job_id_type
from public.credit_transactions
where user_id = %(user_id)s
order by created_at desc nulls first, id
limit 50

-- user_jobs --
-- The newest jobs of a user.
select id, status, attempts, error_message, model, created_at, completed_at
from public.image_jobs
where user_id = %(user_id)s
order by created_at desc, id
limit 50

-- user_batches --
-- The free credits a user still holds, in the order in which they will be spent.
select id, amount, remaining_amount, granted_at, expire_at, source, credit_transaction_id
from public.free_percoin_batches
where user_id = %(user_id)s
order by expire_at nulls last, granted_at, id
limit 50

-- user_expirations --
-- The newest expiries of a user: they are in no ledger row.
select batch_id, amount_expired, original_amount, granted_at, expire_at, source, reason, processed_at
from public.free_percoin_expiration_log
where user_id = %(user_id)s
order by processed_at desc, batch_id
limit 50

-- user_known --
-- Whether a user has a balance, or a ledger row about a job: both by index, for a search may not take long.
select
    exists (select from public.user_credits where user_id = %(user_id)s)
    or exists (
        select
        from public.credit_transactions
        where user_id = %(user_id)s and transaction_type = 'consumption' and metadata ? 'job_id'
    )
    or exists (
        select
        from public.credit_transactions
        where user_id = %(user_id)s and transaction_type = 'refund' and metadata ? 'job_id'
    ) as known

-- Readings -----------------------------------------------------------------------------------------------------------

-- jobs_seen --
-- How many jobs were created since an instant, and on average by this hour in each of the seven days before. A row is
-- never older than its last change, so the index on updated_at serves.
select
    count(*) filter (where created_at >= %(since)s) as seen,
    count(*) filter (
        where created_at < %(since)s
            and created_at - date_bin('1 day', created_at, %(since)s) < %(now)s::timestamptz - %(since)s::timestamptz
    ) / 7.0 as usual,
    count(*) filter (where created_at < %(since)s) / 7.0 as per_day
from public.image_jobs
where updated_at >= %(since)s::timestamptz - interval '7 days'
    and created_at >= %(since)s::timestamptz - interval '7 days'
    and created_at <= %(now)s

-- ledger_rows_seen --
-- How many ledger rows were written since an instant, and on average by this hour in each of the seven days before.
select
    count(*) filter (where created_at >= %(since)s) as seen,
    count(*) filter (
        where created_at < %(since)s
            and created_at - date_bin('1 day', created_at, %(since)s) < %(now)s::timestamptz - %(since)s::timestamptz
    ) / 7.0 as usual,
    count(*) filter (where created_at < %(since)s) / 7.0 as per_day
from public.credit_transactions
where created_at >= %(since)s::timestamptz - interval '7 days' and created_at <= %(now)s

-- newest_job --
-- When the newest job was created. Whatever is newer than the newest of the rows changed last was itself changed later.
select max(created_at) as at
from public.image_jobs
where updated_at >= (
    select max(created_at)
    from public.image_jobs
    where updated_at >= (select max(updated_at) from public.image_jobs) - interval '1 hour'
)

-- newest_ledger_row --
-- When the newest ledger row was written; rows without a date cannot say.
select max(created_at) as at from public.credit_transactions

-- job_statuses --
-- How many of the jobs created since an instant stand where.
select status, count(*) as jobs
from public.image_jobs
where updated_at >= %(since)s and created_at >= %(since)s
group by status
order by jobs desc, status

-- stale_jobs --
-- The jobs that have been at work for longer than the worker allows, the longest first.
select id as job_id, started_at, attempts, count(*) over () as total
from public.image_jobs
where status = 'processing' and coalesce(started_at, updated_at) < %(before)s
order by coalesce(started_at, updated_at), id
limit 20

-- duplicates --
-- The pre-deploy check of the runbook: what would block the unique indexes, transaction ids oldest first.
with tx as (
    select transaction_type, user_id, metadata ->> 'job_id' as job_id, count(*) as cnt
    from public.credit_transactions
    where transaction_type in ('consumption', 'refund') and metadata ? 'job_id'
    group by transaction_type, user_id, metadata ->> 'job_id'
    having count(*) > 1
)
select
    tx.transaction_type, tx.user_id, tx.job_id, tx.cnt, array_agg(row.id order by row.created_at, row.id) as tx_ids,
    count(*) over () as total
from tx
join public.credit_transactions as row
    on row.user_id = tx.user_id
    and row.transaction_type = tx.transaction_type
    and row.metadata ? 'job_id'
    and coalesce(row.metadata ->> 'job_id', 'null') = coalesce(tx.job_id, 'null')
    and (row.metadata ->> 'job_id' is null) = (tx.job_id is null)
group by tx.transaction_type, tx.user_id, tx.job_id, tx.cnt
order by tx.cnt desc, tx.transaction_type, tx.user_id
limit 50

-- refunds_of_succeeded --
-- Refunds written since an instant whose job has succeeded.
with refund as (
    select
        id, user_id, created_at,
        case
            when metadata ->> 'job_id' ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'
            then (metadata ->> 'job_id')::uuid
        end as job_id
    from public.credit_transactions
    where created_at >= %(since)s and transaction_type = 'refund'
)
select refund.job_id, refund.id as tx_id, refund.created_at as refunded_at, count(*) over () as total
from refund
join public.image_jobs as job on job.id = refund.job_id and job.user_id = refund.user_id
where job.status = 'succeeded'
order by refund.created_at desc, refund.id
limit 20

-- refunds_during_retry --
-- Refunds written since an instant while their job was still to be tried: it waits or is at work, or was started later.
with refund as (
    select
        id, user_id, created_at,
        case
            when metadata ->> 'job_id' ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'
            then (metadata ->> 'job_id')::uuid
        end as job_id
    from public.credit_transactions
    where created_at >= %(since)s and transaction_type = 'refund'
)
select refund.job_id, refund.id as tx_id, job.status, refund.created_at as refunded_at, count(*) over () as total
from refund
join public.image_jobs as job on job.id = refund.job_id and job.user_id = refund.user_id
where job.status in ('queued', 'processing') or refund.created_at < job.started_at
order by refund.created_at desc, refund.id
limit 20

-- failed_not_refunded_once --
-- Jobs given up since an instant that were charged, and whose refunds are not exactly one.
select job.id as job_id, job.completed_at as failed_at, told.charges, told.refunds, count(*) over () as total
from (
    select
        job.id,
        count(*) filter (where row.transaction_type = 'consumption') as charges,
        count(*) filter (where row.transaction_type = 'refund') as refunds
    from public.image_jobs as job
    join public.credit_transactions as row
        on row.user_id = job.user_id
        and row.metadata ? 'job_id'
        and lower(row.metadata ->> 'job_id') = job.id::text
    where job.updated_at >= %(since)s and job.status = 'failed' and coalesce(job.completed_at, job.updated_at) >= %(since)s
    group by job.id
) as told
join public.image_jobs as job on job.id = told.id
where told.charges > 0 and told.refunds <> 1
order by job.completed_at desc nulls first, job.id
limit 20

-- monitor_visible --
-- Whether the source keeps a record of its scheduled runs, and lets us read all of it.
select
    bool_and(has_schema_privilege(space.oid, 'usage') and has_table_privilege(kept.oid, 'select')) as allowed,
    bool_or(row_security_active(kept.oid)) as hidden
from pg_catalog.pg_class as kept
join pg_catalog.pg_namespace as space on space.oid = kept.relnamespace
where space.nspname = 'cron' and kept.relname in ('job', 'job_run_details')
having count(*) = 2

-- monitor_runs --
-- The newest runs of the source's own hourly monitor.
select runs.status, runs.start_time as started_at, runs.return_message as message
from cron.job_run_details as runs
join cron.job as job on job.jobid = runs.jobid
where job.jobname = 'generation_billing_anomaly_monitor_hourly'
order by runs.start_time desc nulls last
limit 24

-- monitor_entries --
-- What the monitor wrote down since an instant, and how often it did so without an anomaly.
select
    count(*) as entries,
    count(*) filter (where coalesce(metadata ->> 'count', '0') = '0') as without_anomaly,
    max(created_at) as newest_at
from public.admin_audit_log
where action_type = 'generation_billing_anomaly_detected' and created_at >= %(since)s

-- unexplained_balances --
-- Users whose balance is not what the ledger says, less what has expired; the largest differences first.
with ledger as (
    select user_id, sum(amount) as amount from public.credit_transactions group by user_id
), expired as (
    select user_id, sum(amount_expired) as amount from public.free_percoin_expiration_log group by user_id
)
select
    coalesce(held.user_id, ledger.user_id) as user_id, coalesce(held.balance, 0) as balance,
    coalesce(ledger.amount, 0) - coalesce(expired.amount, 0) as explained,
    count(*) over () as total
from public.user_credits as held
full join ledger on ledger.user_id = held.user_id
left join expired on expired.user_id = coalesce(held.user_id, ledger.user_id)
where coalesce(held.balance, 0) <> coalesce(ledger.amount, 0) - coalesce(expired.amount, 0)
order by
    abs(coalesce(held.balance, 0) - coalesce(ledger.amount, 0) + coalesce(expired.amount, 0)) desc,
    coalesce(held.user_id, ledger.user_id)
limit 20

-- unequal_purses --
-- Users whose balance is not their paid and their free credits together; the largest differences first.
select
    held.user_id, held.balance, held.paid_balance as paid, coalesce(sum(batch.remaining_amount), 0) as free,
    count(*) over () as total
from public.user_credits as held
left join public.free_percoin_batches as batch on batch.user_id = held.user_id
group by held.user_id, held.balance, held.paid_balance
having held.balance <> held.paid_balance + coalesce(sum(batch.remaining_amount), 0)
order by abs(held.balance - held.paid_balance - coalesce(sum(batch.remaining_amount), 0)) desc, held.user_id
limit 20
