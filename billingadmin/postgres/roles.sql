-- one_at_a_time --
-- Held until the connection is closed.
select pg_advisory_lock(hashtext('billingadmin.prepare'));

-- roles --
-- Which of our roles are there.
select rolname from pg_roles where rolname like 'billingadmin%' or rolname like '%\_reader' or rolname like '%\_writer';

-- databases --
-- Which databases are there.
select datname from pg_database;

-- create_group --
-- A role that owns and cannot log in.
create role {role} nologin;

-- create_login --
-- A role that logs in by password, and is nothing more than that.
create role {role} login password {password} nosuperuser nocreatedb nocreaterole;

-- act_as --
-- What this login makes belongs to the group.
grant {role} to {login};
alter role {login} set role = {role};

-- allow_test_databases --
-- In the tests' cluster only: these make databases, and the owner may pass its own guards to empty tables.
alter role {role} createdb;
grant set on parameter session_replication_role to {role};

-- create_database --
-- One database with one owner.
create database {database} owner {role};

-- close_database --
-- Only those named below may enter it.
revoke all on database {database} from public;

-- open_database --
-- This role may enter.
grant connect, temporary on database {database} to {role};

-- reader_sees_all --
-- The reader of a demo source sees every table that its writer makes, and changes none.
alter default privileges for role {writer} grant select on tables to {reader};
