-- set_local --
-- Changes settings until the transaction ends, and answers what they were.
select name, current_setting(name) as before, set_config(name, value, true)
from unnest(%(names)s::text[], %(values)s::text[]) as asked (name, value)
