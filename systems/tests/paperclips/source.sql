-- order_payment --
-- Each order with each of its payments.
select
    o.id::text as order_id,
    o.id as order_number,
    o.customer,
    o.state,
    o.total,
    p.id as payment_id,
    greatest(o.changed_at, p.paid_at) as changed_at,
    (o.state = 'shipped') as shipped,
    (o.total = 0) as sample,
    (p.id is not null) as paid
from orders o
left join payments p on p.order_id = o.id and not p.voided

-- order_payment_touched --
-- The orders that a window touches.
select id as order_number from orders where changed_at >= %(since)s and changed_at < %(until)s
union
select order_id from payments where paid_at >= %(since)s and paid_at < %(until)s

-- order_payment_suspects --
-- The orders of a range that a rule could be about.
select id as order_number
from orders
where state <> 'open'
  and (%(low)s::integer is null or id >= %(low)s) and (%(high)s::integer is null or id < %(high)s)

-- payments_of --
-- All payments of some orders, oldest first.
select order_id, id, amount, paid_at, voided
from payments
where order_id = any(%(orders)s::integer[])
order by paid_at, id

-- payments_between --
-- All payments of a range of orders, oldest first.
select order_id, id, amount, paid_at, voided
from payments
where (%(low)s::integer is null or order_id >= %(low)s) and (%(high)s::integer is null or order_id < %(high)s)
order by paid_at, id

-- double_payment_touched --
-- The orders with a payment in a window.
select order_id as order_number from payments where paid_at >= %(since)s and paid_at < %(until)s

-- order --
-- One order by its number.
select id, customer, state, total, changed_at from orders where id = %(order)s

-- shipped --
-- How many orders are shipped.
select count(*) as orders from orders where state = 'shipped'
