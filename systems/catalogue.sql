-- columns_postgresql --
-- Every column the role can see of the tables and views of the search path, with what the role may do there.
select
    c.relname as table_name,
    a.attname as column_name,
    format_type(a.atttypid, a.atttypmod) as column_type,
    has_column_privilege(c.oid, a.attnum, 'select') as readable,
    (c.relrowsecurity and not r.rolsuper and not r.rolbypassrls and (c.relforcerowsecurity or c.relowner <> r.oid))
        as hides_rows
from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
cross join (select * from pg_roles where rolname = current_user) r
where c.relkind in ('r', 'v', 'm', 'p', 'f')
  and c.relnamespace = any(current_schemas(false)::regnamespace[]::oid[])

-- indexes_postgresql --
-- Every index of the search path, whether it is unique and whether it is valid.
select c.relname as index_name, t.relname as table_name, i.indisunique as is_unique, i.indisvalid as is_valid
from pg_index i
join pg_class c on c.oid = i.indexrelid
join pg_class t on t.oid = i.indrelid
where t.relnamespace = any(current_schemas(false)::regnamespace[]::oid[])

-- columns_sqlite --
-- Every column of every table and view; SQLite has neither rights nor row policies.
select m.name as table_name, c.name as column_name, lower(c.type) as column_type, 1 as readable, 0 as hides_rows
from sqlite_master m join pragma_table_info(m.name) c
where m.type in ('table', 'view')

-- indexes_sqlite --
-- Every index and whether it is unique.
select i.name as index_name, m.name as table_name, i."unique" as is_unique, 1 as is_valid
from sqlite_master m join pragma_index_list(m.name) i
where m.type = 'table'

-- role --
-- The role that asks.
select current_user as role
