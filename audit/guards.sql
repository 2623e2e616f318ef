-- facts --
-- What keeps the tables as they must be, a line for each fact: kind, name and value. The roles are told by what they are
-- for, so that every installation tells the same.
with
named as (
    select oid, case
        when rolname = %(site)s and rolname <> %(owner)s then 'site' when rolname = %(owner)s then 'owner' else rolname
    end as name from pg_roles
    union all select 0::oid, 'public'
),
tables as (
    select pg_class.*, named.name as owner
    from pg_class join named on named.oid = relowner
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')
        and relname not like 'socialaccount\_%%'  -- there where people sign in by another system
),
guarded as (
    select * from tables
    where exists (select from pg_trigger where tgrelid = tables.oid and not tgisinternal and tgenabled = 'A')
        or relname = any(%(lasting)s)
),
functions as (
    select pg_proc.*, named.name as owner, pg_proc.oid::regprocedure::text as signature
    from pg_proc join named on named.oid = proowner
    where pronamespace = 'public'::regnamespace and prokind in ('f', 'p')
        and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')
)
select 'table' as kind, relname::text as name,
    concat_ws(' ', owner, relkind, case when relrowsecurity then 'rows hidden' end, case when relispartition then 'partition' end)
from tables
union all
select 'columns', relname, (
    select md5(string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull, attgenerated), ',' order by attname))
    from pg_attribute where attrelid = guarded.oid and attnum > 0 and not attisdropped
) from guarded
union all
select 'grant', relname || ' to ' || named.name, string_agg(privilege_type, ' ' order by privilege_type)
from tables cross join lateral aclexplode(relacl) as acl join named on named.oid = grantee
where grantee <> relowner and (named.name in ('site', 'public') or privilege_type <> 'SELECT')
group by relname, named.name
union all
select 'grant', relname || '.' || attname || ' to ' || named.name, string_agg(privilege_type, ' ' order by privilege_type)
from tables join pg_attribute on attrelid = tables.oid cross join lateral aclexplode(attacl) as acl
join named on named.oid = grantee
where grantee <> relowner and (named.name in ('site', 'public') or privilege_type <> 'SELECT')
group by relname, attname, named.name
union all
select 'trigger', relname || ' ' || tgname,
    case tgenabled when 'A' then 'always' when 'O' then 'on' when 'R' then 'for replicas' else 'off' end
    || ' ' || md5(pg_get_triggerdef(pg_trigger.oid))
from pg_trigger join tables on tables.oid = tgrelid where not tgisinternal
union all
select 'rule', relname || ' ' || rulename, md5(pg_get_ruledef(pg_rewrite.oid))
from pg_rewrite join tables on tables.oid = ev_class where relkind <> 'v'
union all
select 'constraint', relname || ' ' || conname,
    md5(concat_ws(' ', pg_get_constraintdef(pg_constraint.oid), convalidated, condeferrable, condeferred,
        (select bool_and(tgenabled <> 'D') from pg_trigger where tgconstraint = pg_constraint.oid)))
from pg_constraint join guarded on guarded.oid = conrelid where contype in ('c', 'f', 'p', 'u', 'x')
union all
select 'index', table_of.relname || ' ' || index_of.relname, md5(concat_ws(' ', pg_get_indexdef(indexrelid), indisvalid, indisready))
from pg_index join guarded as table_of on table_of.oid = indrelid join pg_class as index_of on index_of.oid = indexrelid
where indisunique and not exists (select from pg_constraint where conindid = indexrelid)
union all
select 'child', inhrelid::regclass::text, 'of ' || relname from pg_inherits join guarded on guarded.oid = inhparent
union all
select 'function', signature, concat_ws(' ',
    owner, case when prosecdef then 'with its rights' end, provolatile, array_to_string(proconfig, '; '),
    md5(coalesce(prosrc, '') || coalesce(pg_get_function_sqlbody(oid), ''))
) from functions
union all
select 'grant', signature || ' to ' || named.name, string_agg(privilege_type, ' ' order by privilege_type)
from functions cross join lateral aclexplode(coalesce(proacl, acldefault('f', proowner))) as acl
join named on named.oid = grantee where grantee <> proowner group by signature, named.name
union all
select 'event trigger', evtname, concat_ws(' ', evtenabled, evtevent, evtfoid::regproc) from pg_event_trigger
union all
select 'schema', 'public', 'grants creation to ' || coalesce((
    select string_agg(named.name, ', ' order by named.name)
    from pg_namespace cross join lateral aclexplode(nspacl) as acl join named on named.oid = grantee
    where nspname = 'public' and privilege_type = 'CREATE' and grantee <> nspowner and named.name <> 'owner'
), 'nobody')
union all
select 'role', named.name, concat_ws(' ', case when rolcanlogin then 'signs in' else 'cannot sign in' end,
    case when rolsuper then 'superuser' end, case when rolbypassrls then 'sees hidden rows' end,
    case when rolcreaterole then 'makes roles' end, case when rolreplication then 'replicates' end,
    'member of ' || coalesce((
        select string_agg(of_role.name, ', ' order by of_role.name)
        from pg_auth_members join named as of_role on of_role.oid = roleid where member = pg_roles.oid
    ), 'nothing'),
    case when has_parameter_privilege(pg_roles.oid, 'session_replication_role', 'set') then 'may play replica' end)
from pg_roles join named using (oid) where named.name = 'site'
union all
select 'role', 'owner', case when rolcanlogin then 'signs in' else 'cannot sign in' end from pg_roles
where rolname = %(owner)s and %(owner)s <> %(site)s

-- owner --
-- To whom the audit log belongs.
select pg_get_userbyid(relowner) from pg_class where oid = 'public.admin_audit_log'::regclass
