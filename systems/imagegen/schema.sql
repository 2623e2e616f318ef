-- The tables of image-generation credits as found, for tests and the demo only: a real source has its own.
--
-- Left out, because it is not ours to invent: the foreign keys of every user_id to the sign-in service's auth.users
-- (that schema belongs to the service, and an empty database has none), row level security, the price list behind
-- image_jobs.model, and thumbnails. Everything else that the console may stumble over is here: null metadata, ledger
-- rows without a date, jobs that can be deleted under their ledger rows.

create function public.update_updated_at_column() returns trigger language plpgsql as $$
begin
    new.updated_at = now();
    return new;
end
$$;

create table public.image_jobs (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null,
    prompt_text text not null default '',
    input_image_url text,
    source_image_stock_id uuid,
    generation_type text default 'coordinate',
    generation_metadata jsonb,
    model text,
    background_mode text not null default 'keep',
    source_image_type text not null default 'illustration',
    status text not null default 'queued'
        constraint image_jobs_status_check check (status in ('queued', 'processing', 'succeeded', 'failed')),
    processing_stage text not null default 'queued'
        constraint image_jobs_processing_stage_check check (processing_stage in (
            'queued', 'processing', 'charging', 'generating', 'uploading', 'persisting', 'completed', 'failed'
        )),
    requested_image_count integer not null default 1
        constraint image_jobs_requested_image_count_check check (requested_image_count between 1 and 4),
    result_image_url text,
    error_message text,
    attempts integer not null default 0 constraint image_jobs_attempts_check check (attempts >= 0),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    started_at timestamptz,
    completed_at timestamptz
);

-- On every update, whatever it changed: updated_at is no proof that the status moved.
create trigger update_image_jobs_updated_at before update on public.image_jobs
    for each row execute function public.update_updated_at_column();

create table public.generated_images (
    id uuid primary key default gen_random_uuid(),
    user_id uuid,
    image_url text not null,
    storage_path text not null,
    prompt text not null default '',
    is_posted boolean not null default false,
    caption text,
    posted_at timestamptz,
    created_at timestamptz not null default now(),
    image_job_id uuid references public.image_jobs (id) on delete set null,
    image_job_result_index integer,
    model text,
    width integer,
    height integer,
    generation_type text,
    moderation_status text not null default 'visible'
        constraint generated_images_moderation_status_check check (moderation_status in ('visible', 'pending', 'removed'))
);

create table public.credit_transactions (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null,
    amount integer not null,
    transaction_type text not null constraint credit_transactions_transaction_type_check check (transaction_type in (
        'purchase', 'consumption', 'refund', 'signup_bonus', 'daily_post', 'streak', 'referral', 'admin_bonus',
        'forfeiture', 'tour_bonus', 'admin_deduction', 'subscription', 'collection_completion', 'prompt_usage_reward',
        'style_usage_reward', 'prompt_use_bonus'
    )),
    stripe_payment_intent_id text,
    related_generation_id uuid references public.generated_images (id) on delete set null,
    metadata jsonb,
    created_at timestamptz default now()
);

create unique index credit_transactions_stripe_payment_intent_id_key
    on public.credit_transactions (stripe_payment_intent_id) where stripe_payment_intent_id is not null;

-- The two that the runbook's pre-deploy check precedes. They compare text: two spellings of one id pass, and so do any
-- number of rows whose job_id is a JSON null.
create unique index credit_transactions_one_consumption_per_job
    on public.credit_transactions (user_id, (metadata ->> 'job_id'))
    where transaction_type = 'consumption' and metadata ? 'job_id';
create unique index credit_transactions_one_refund_per_job
    on public.credit_transactions (user_id, (metadata ->> 'job_id'))
    where transaction_type = 'refund' and metadata ? 'job_id';

create unique index credit_transactions_admin_deduction_idempotency_key
    on public.credit_transactions ((metadata ->> 'idempotency_key'))
    where transaction_type = 'admin_deduction' and metadata ? 'idempotency_key';

create table public.admin_audit_log (
    id uuid primary key default gen_random_uuid(),
    admin_user_id uuid,
    action_type text not null,
    target_type text not null,
    target_id text,
    metadata jsonb,
    created_at timestamptz not null default now()
);

create table public.user_credits (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null constraint user_credits_user_id_key unique,
    balance integer not null default 0 constraint user_credits_balance_check check (balance >= 0),
    paid_balance integer not null default 0 constraint user_credits_paid_balance_check check (paid_balance >= 0),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

-- Deleted when used up. Its expiry leaves a row in the expiration log and none in the ledger.
create table public.free_percoin_batches (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null,
    amount integer not null constraint free_percoin_batches_amount_check check (amount > 0),
    remaining_amount integer not null,
    granted_at timestamptz not null default now(),
    expire_at timestamptz,
    source text not null,
    credit_transaction_id uuid references public.credit_transactions (id) on delete set null,
    constraint free_percoin_batches_remaining_amount_check check (remaining_amount between 0 and amount)
);

create table public.free_percoin_expiration_log (
    id uuid primary key default gen_random_uuid(),
    batch_id uuid not null constraint free_percoin_expiration_log_batch_id_key unique,
    user_id uuid not null,
    amount_expired integer not null,
    original_amount integer not null,
    granted_at timestamptz not null,
    expire_at timestamptz,
    source text not null,
    reason text,
    processed_at timestamptz not null default now()
);

-- Which purse paid which part of a job. The batch is no foreign key: it is gone once it is used up, so its expiry is
-- kept here, for the batch that a refund gives back.
create table public.generation_percoin_allocations (
    id uuid primary key default gen_random_uuid(),
    job_id uuid not null,
    user_id uuid not null,
    consumption_transaction_id uuid references public.credit_transactions (id) on delete set null,
    refund_transaction_id uuid references public.credit_transactions (id) on delete set null,
    allocation_kind text not null constraint generation_percoin_allocations_allocation_kind_check
        check (allocation_kind in ('period_limited', 'unlimited_bonus', 'paid')),
    source_batch_id uuid,
    source_expire_at timestamptz,
    amount integer not null constraint generation_percoin_allocations_amount_check check (amount > 0),
    created_at timestamptz not null default now(),
    restored_at timestamptz
);
