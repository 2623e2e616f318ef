-- drink --
-- One drink, whether or not it was paid for.
select id, price from drinks where id = %(drink)s;

-- takings --
-- Each drink with what the till has for it.
select cast(d.id as text) as drink, d.handed_out_at, (t.id is not null) as paid
from drinks d left join till t on t.drink = d.id;

-- takings_touched --
-- The drinks handed out in a window.
select cast(id as text) as drink from drinks where handed_out_at >= %(since)s and handed_out_at < %(until)s;

-- rung_up --
-- What the till has.
select coalesce(sum(amount), 0) from till;

-- ring_up --
-- One more entry in the till.
insert into till (drink, amount, said) values (%(drink)s, %(amount)s, %(said)s);

-- till_entry --
-- What one entry of the till says.
select amount from till where id = %(entry)s;
