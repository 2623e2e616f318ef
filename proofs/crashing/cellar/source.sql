-- nothing --
-- The room asks by cursor alone.
select 1
