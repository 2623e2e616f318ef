-- image_jobs_counted --
-- How many jobs there are.
select count(*) as jobs from public.image_jobs

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
-- Every ledger row that names a job, whoever's it is and however it spells the id, oldest first.
select
    id, user_id, amount, transaction_type, related_generation_id, metadata, created_at,
    metadata ->> 'job_id' as job_id_text, jsonb_typeof(metadata -> 'job_id') as job_id_type
from public.credit_transactions
where metadata ? 'job_id' and lower(btrim(metadata ->> 'job_id')) = %(job_id)s
order by created_at, id

-- ledger_row --
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
-- Whether a user has a balance, a job or a ledger row.
select
    exists (select from public.user_credits where user_id = %(user_id)s)
    or exists (select from public.image_jobs where user_id = %(user_id)s)
    or exists (select from public.credit_transactions where user_id = %(user_id)s) as known
