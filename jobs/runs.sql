-- latest_of_each --
-- The run with the latest slot of each job that is named; a job without runs has no row.
select run.*
from unnest(%(names)s::text[]) as job (name)
cross join lateral (
    select * from jobs_jobrun where name = job.name order by slot desc limit 1
) as run
