-- read_only --
-- A reconciliation looks; this transaction cannot write.
select set_config('transaction_read_only', 'on', true);

-- keys --
-- A page of the key table, in the order of the keys.
select key, content_hash, outcome, receipt, at
from billingadmin_applied
where key > %(after)s and at >= %(since)s
order by key
limit %(limit)s;

-- key --
-- One key.
select key, content_hash, outcome, receipt, at from billingadmin_applied where key = %(key)s;
