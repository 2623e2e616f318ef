-- held --
-- Put after a question: its rows stay as they are until the transaction ends. The balance is always held first.
for no key update

-- purses --
-- What a user's purses hold together.
select balance, paid_balance from public.user_credits where user_id = %(user_id)s

-- open_purses --
-- A first, empty balance for a user who has none.
insert into public.user_credits (user_id, balance, paid_balance, updated_at)
values (%(user_id)s, 0, 0, %(now)s)
on conflict (user_id) do nothing

-- batches --
-- The free credits of a user.
select id, amount, remaining_amount, granted_at, expire_at, source, credit_transaction_id
from public.free_percoin_batches
where user_id = %(user_id)s and remaining_amount > 0
order by expire_at nulls last, granted_at, id

-- unexplained --
-- By how much a user's balance differs from what the ledger and the expiries explain.
select
    c.balance
    - (select coalesce(sum(amount), 0) from public.credit_transactions where user_id = %(user_id)s)
    + (select coalesce(sum(amount_expired), 0) from public.free_percoin_expiration_log where user_id = %(user_id)s)
    as unexplained
from public.user_credits as c
where c.user_id = %(user_id)s

-- move_balance --
-- Moves a user's balance by a free and a paid part.
update public.user_credits
set balance = balance + %(free)s + %(paid)s, paid_balance = paid_balance + %(paid)s, updated_at = %(now)s
where user_id = %(user_id)s

-- take_from_batch --
-- Spends a part of a batch.
update public.free_percoin_batches set remaining_amount = remaining_amount - %(amount)s where id = %(batch_id)s

-- drop_used_up --
-- A batch that is used up is deleted, as the source does it.
delete from public.free_percoin_batches where id = %(batch_id)s and remaining_amount = 0

-- grant_batch --
-- Free credits as a batch of their own.
insert into public.free_percoin_batches
    (id, user_id, amount, remaining_amount, granted_at, expire_at, source, credit_transaction_id)
values
    (%(id)s, %(user_id)s, %(amount)s, %(amount)s, %(now)s, %(expire_at)s, %(source)s, %(transaction_id)s)

-- write_ledger_row --
-- One row of the ledger; none when a unique index has one already.
insert into public.credit_transactions
    (id, user_id, amount, transaction_type, related_generation_id, stripe_payment_intent_id, metadata, created_at)
values (
    %(id)s, %(user_id)s, %(amount)s, %(transaction_type)s, %(image_id)s, %(payment)s, %(metadata)s::jsonb, %(now)s
)
on conflict do nothing
returning id

-- row_in_the_way --
-- The ledger row that a unique index will not have twice: of the same job, or under the same idempotency key.
select id
from public.credit_transactions
where transaction_type = %(transaction_type)s and (
    (user_id = %(user_id)s and metadata ->> 'job_id' = %(job_id_text)s)
    or metadata ->> 'idempotency_key' = %(idempotency_key)s
)
order by created_at, id
limit 1

-- allocate --
-- Which purse paid a part of a job.
insert into public.generation_percoin_allocations (
    id, job_id, user_id, consumption_transaction_id, allocation_kind, source_batch_id, source_expire_at, amount,
    created_at
)
values (
    %(id)s, %(job_id)s, %(user_id)s, %(transaction_id)s, %(purse)s, %(batch_id)s, %(expire_at)s, %(amount)s, %(now)s
)

-- allocations_to_restore --
-- What the purses paid of a charge and did not get back yet.
select allocation_kind, source_expire_at, amount
from public.generation_percoin_allocations
where consumption_transaction_id = %(transaction_id)s and restored_at is null
order by allocation_kind, source_expire_at, id

-- restore_allocations --
-- Notes that the purses got back what they had paid of a charge.
update public.generation_percoin_allocations
set refund_transaction_id = %(refund_id)s, restored_at = %(now)s
where consumption_transaction_id = %(transaction_id)s and restored_at is null

-- write_audit_row --
-- The source's own audit row of a correction.
insert into public.admin_audit_log (id, admin_user_id, action_type, target_type, target_id, metadata, created_at)
values (
    %(id)s, null, %(action_type)s, 'credit_transactions', %(transaction_id)s, %(metadata)s::jsonb, %(now)s
)

-- job --
-- A job, as a correction rests on it.
select
    id, user_id, status, model, generation_type, requested_image_count, created_at,
    coalesce(
        generation_type = 'one_tap_style'
        and jsonb_typeof(generation_metadata -> 'oneTapStyle') = 'object'
        and generation_metadata #>> '{oneTapStyle,billingMode}' is distinct from 'paid',
        false
    ) as free_by_design
from public.image_jobs
where id = %(job_id)s

-- rows_of_job --
-- A user's ledger rows that name a job, however they spell its id.
select id, amount, transaction_type, metadata, metadata ->> 'job_id' as job_id_text, created_at
from public.credit_transactions
where user_id = %(user_id)s and metadata ? 'job_id' and lower(metadata ->> 'job_id') = %(job_id)s
order by created_at, id

-- first_image --
-- The image of a job that its charge names.
select id from public.generated_images
where image_job_id = %(job_id)s
order by image_job_result_index nulls last, created_at, id
limit 1

-- ledger_row --
-- What a row of the ledger moves.
select amount from public.credit_transactions where id = %(id)s
