-- tables_postgresql --
-- What is owed, and what was paid: nothing here keeps a due from being paid twice.
create table if not exists dues (id integer primary key, customer text not null, amount integer not null);
create table if not exists payments_made (id integer generated always as identity primary key, due integer, amount integer);

-- tables_sqlite --
-- The same.
create table if not exists dues (id integer primary key, customer text not null, amount integer not null);
create table if not exists payments_made (id integer primary key autoincrement, due integer, amount integer);

-- owe --
-- One more due.
insert into dues (id, customer, amount) values (%(due)s, %(customer)s, %(amount)s) on conflict (id) do nothing;

-- fill_postgresql --
-- So many dues at once.
insert into dues (id, customer, amount) select n, 'c' || n %% 7, 100 + n from generate_series(1, %(last)s) as one (n);

-- fill_sqlite --
-- The same.
with recursive one (n) as (select 1 union all select n + 1 from one where n < %(last)s)
insert into dues (id, customer, amount) select n, 'c' || n %% 7, 100 + n from one;

-- due --
-- One due: what a line asks for, and rests on.
select id, customer, amount from dues where id = %(due)s;

-- paid --
-- What was paid for it so far.
select coalesce(sum(amount), 0) from payments_made where due = %(due)s;

-- pay --
-- One payment.
insert into payments_made (due, amount) values (%(due)s, %(amount)s) returning id;

-- ledger --
-- Each due that was paid: how often, and how much.
select due, count(*), sum(amount) from payments_made group by due;

-- keys --
-- Each key that was taken, with what became of it.
select key, outcome from billingadmin_applied;
