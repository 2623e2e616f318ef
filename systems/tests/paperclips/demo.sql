-- order --
-- One order.
insert into orders (id, customer, state, total, changed_at)
values (%(id)s, 'Hanako', %(state)s, %(total)s, %(at)s)

-- payment --
-- One payment of it.
insert into payments (order_id, amount, paid_at) values (%(id)s, %(total)s, %(at)s)

-- next_order --
-- One more order, open.
insert into orders (id, customer, state, total, changed_at)
select coalesce(max(id), 0) + 1, 'Jirō', 'open', 500, %(at)s from orders
