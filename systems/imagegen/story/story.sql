-- newest_job --
-- When the story was told last.
select max(created_at) as created_at from public.image_jobs

-- user_at --
-- A user by number.
select user_id
from public.user_credits
order by user_id
offset mod(%(number)s, (select count(*) from public.user_credits))
limit 1

-- hold_purses --
-- The balance of a user, held while the story moves it.
select paid_balance from public.user_credits where user_id = %(user_id)s for no key update

-- batches --
-- The free credits of a user.
select id, amount, remaining_amount, granted_at, expire_at, source, credit_transaction_id
from public.free_percoin_batches
where user_id = %(user_id)s

-- forget_batches --
-- They are written anew, as the story left them.
delete from public.free_percoin_batches where user_id = %(user_id)s

-- set_balance --
-- What the purses hold now.
update public.user_credits
set balance = %(balance)s, paid_balance = %(paid)s, updated_at = %(now)s
where user_id = %(user_id)s

-- users_with_expired --
-- Whose free credits the monthly expiry takes.
select distinct user_id from public.free_percoin_batches where expire_at < %(at)s order by user_id

-- in_progress --
-- The jobs that the last minutes left waiting or at work.
select *
from public.image_jobs
where status in ('queued', 'processing') and created_at >= %(since)s
order by created_at, id

-- charge --
-- The charge of a job in progress.
select id, amount
from public.credit_transactions
where user_id = %(user_id)s and transaction_type = 'consumption' and metadata ->> 'job_id' = %(job_id)s

-- allocations --
-- Which purse paid which part of it.
select allocation_kind, source_batch_id, source_expire_at, amount
from public.generation_percoin_allocations
where consumption_transaction_id = %(transaction_id)s
order by id

-- forget_job --
-- It is written anew, as it ended: an update would stamp it with the hour of this machine, not of the story.
delete from public.image_jobs where id = %(job_id)s

-- name_image --
-- A charge names the first image of its job.
update public.credit_transactions set related_generation_id = %(image_id)s where id = %(transaction_id)s

-- restore_allocations --
-- The purses got back what they had paid.
update public.generation_percoin_allocations
set refund_transaction_id = %(refund_id)s, restored_at = %(at)s
where consumption_transaction_id = %(transaction_id)s
