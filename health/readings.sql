-- latest_of_each --
-- The newest reading of each probe that is named with its system; a probe without readings has no row.
select reading.*
from unnest(%(systems)s::text[], %(probes)s::text[]) as asked (system, probe)
cross join lateral (
    select * from health_reading
    where system = asked.system and probe = asked.probe
    order by measured_at desc, id desc
    limit 1
) as reading

-- history --
-- The lowest and the highest value of each probe that is named, in each span of time, where it was measured at all.
select asked.probe, spans.*
from unnest(%(probes)s::text[]) as asked (probe)
cross join lateral (
    select date_bin(%(span)s, measured_at, %(since)s) as begins, min(value) as lowest, max(value) as highest
    from health_reading
    where system = %(system)s and probe = asked.probe and measured_at >= %(since)s and measured_at < %(until)s
        and value is not null
    group by 1
) as spans

-- thin --
-- Of the readings of a probe in one hour, long past, only the worst stays, and of equally bad ones the newest.
delete from health_reading
where id in (
    select id
    from (
        select id, row_number() over (
            partition by system, probe, date_trunc('hour', measured_at)
            order by array_position(%(worst_last)s::text[], level::text) desc, measured_at desc
        ) as place
        from health_reading
        where measured_at < %(until)s
    ) as placed
    where place > 1
)
