-- scoped --
-- The facts of some keys for which at least one rule holds; both parts are put together from declarations alone.
select * from (
{facts}
) as facts
where {where}
