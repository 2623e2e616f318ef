-- take_all --
-- The site's role starts from nothing, so that a right that is no longer declared goes away.
revoke all on all tables in schema public from {site};

-- grant_ordinary --
-- What is not declared otherwise can be read and written, and never altered, truncated or given a trigger.
grant select, insert, update, delete on all tables in schema public to {site};
grant usage, select on all sequences in schema public to {site};

-- grant_functions --
-- The guards' and the queue's functions may be called by the site, and by nobody else.
revoke execute on all functions in schema public from public;
grant execute on all functions in schema public to {site};

-- take_table --
-- A table that declares its privileges has no others.
revoke all on table {table} from {site};

-- grant_table --
-- The privileges that the table declares.
grant {privileges} on table {table} to {site};

-- migrations_are_the_owners --
-- What has been migrated is for the site to know and for the owner to say.
revoke insert, update, delete on table django_migrations from {site};
