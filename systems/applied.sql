-- key_table_postgresql --
-- What the console has posted into this ledger, or will never post: one row for each line of an approved adjustment.
create table if not exists billingadmin_applied (
    key uuid primary key,
    content_hash text not null check (length(content_hash) = 64),
    outcome text not null check (outcome in ('posted', 'void')),
    receipt jsonb,
    at timestamptz not null
);

-- key_table_sqlite --
-- What the console has posted into this ledger, or will never post: one row for each line of an approved adjustment.
create table if not exists billingadmin_applied (
    key text primary key not null,
    content_hash text not null check (length(content_hash) = 64),
    outcome text not null check (outcome in ('posted', 'void')),
    receipt text,
    at text not null
);

-- take_key --
-- Takes the key, or does nothing when someone has it; waits for whoever is about to.
insert into billingadmin_applied (key, content_hash, outcome, at)
values (%(key)s, %(content_hash)s, %(outcome)s, %(at)s)
on conflict (key) do nothing;

-- read_key --
-- What became of a key.
select content_hash, outcome, receipt, at from billingadmin_applied where key = %(key)s;

-- keep_receipt --
-- Keeps beside the key what the posting answered, in the posting's own transaction.
update billingadmin_applied set receipt = %(receipt)s where key = %(key)s;
