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
-- The lowest and the highest value of each probe of a system in each span of time, where it was measured at all.
select probe, date_bin(%(span)s, measured_at, %(since)s) as begins, min(value) as lowest, max(value) as highest
from health_reading
where system = %(system)s and measured_at >= %(since)s and measured_at < %(until)s and value is not null
group by 1, 2
order by 1, 2
