create table if not exists drinks (id integer primary key, price integer not null, handed_out_at text not null);
create table if not exists till (
    id integer primary key autoincrement,
    drink integer not null,
    amount integer not null,
    said text not null
);
