-- forgetful_postgresql --
-- The settings of this session by which what is acknowledged may yet be lost.
select name, current_setting(name)
from unnest(array['fsync', 'full_page_writes', 'synchronous_commit']) as one (name)
where current_setting(name) = 'off';

-- forgetful_sqlite --
-- The same: whether a commit waits for the disk.
select 'synchronous', synchronous from pragma_synchronous where synchronous < %(full)s;
