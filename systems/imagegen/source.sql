-- image_jobs_counted --
-- How many jobs there are.
select count(*) as jobs from public.image_jobs
