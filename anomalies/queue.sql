-- cells --
-- Every state, system, rule and urgency there is, by leaps through the index anomaly_by_time.
with recursive cells as (
    (
        select state, system, rule, urgency
        from anomalies_anomaly
        order by state, system, rule, urgency
        limit 1
    )
    union all
    select leap.state, leap.system, leap.rule, leap.urgency
    from cells
    cross join lateral (
        select a.state, a.system, a.rule, a.urgency
        from anomalies_anomaly as a
        where (a.state, a.system, a.rule, a.urgency) > (cells.state, cells.system, cells.rule, cells.urgency)
        order by a.state, a.system, a.rule, a.urgency
        limit 1
    ) as leap
)
select state, system, rule, urgency from cells

-- owners --
-- Everybody who owns an anomaly, by leaps through the index anomaly_owned_by_time.
with recursive owners as (
    (select owner_id from anomalies_anomaly where owner_id is not null order by owner_id limit 1)
    union all
    select leap.owner_id
    from owners
    cross join lateral (
        select a.owner_id
        from anomalies_anomaly as a
        where a.owner_id > owners.owner_id
        order by a.owner_id
        limit 1
    ) as leap
)
select owner_id from owners

-- ascending --
-- One page of some cells of a state, older before newer, each cell from its own start on.
select page.id
from unnest(
    %(systems)s::text[], %(rules)s::text[], %(urgencies)s::smallint[], %(ats)s::timestamptz[], %(ids)s::bigint[]
) as cell(system, rule, urgency, from_at, from_id)
cross join lateral (
    select a.id, a.observed_at
    from anomalies_anomaly as a
    where a.state = %(state)s and a.system = cell.system and a.rule = cell.rule and a.urgency = cell.urgency
        and (a.observed_at, a.id) > (cell.from_at, cell.from_id)
        and (%(owner)s::bigint is null or a.owner_id = %(owner)s)
        and (not %(nobody)s or a.owner_id is null)
        and (%(since)s::timestamptz is null or a.observed_at >= %(since)s)
        and (%(until)s::timestamptz is null or a.observed_at < %(until)s)
    order by a.observed_at, a.id
    limit %(size)s
) as page
order by case when %(by_urgency)s then cell.urgency end, page.observed_at, page.id
limit %(size)s

-- descending --
-- The same with newer before older.
select page.id
from unnest(
    %(systems)s::text[], %(rules)s::text[], %(urgencies)s::smallint[], %(ats)s::timestamptz[], %(ids)s::bigint[]
) as cell(system, rule, urgency, from_at, from_id)
cross join lateral (
    select a.id, a.observed_at
    from anomalies_anomaly as a
    where a.state = %(state)s and a.system = cell.system and a.rule = cell.rule and a.urgency = cell.urgency
        and (a.observed_at, a.id) < (cell.from_at, cell.from_id)
        and (%(owner)s::bigint is null or a.owner_id = %(owner)s)
        and (not %(nobody)s or a.owner_id is null)
        and (%(since)s::timestamptz is null or a.observed_at >= %(since)s)
        and (%(until)s::timestamptz is null or a.observed_at < %(until)s)
    order by a.observed_at desc, a.id desc
    limit %(size)s
) as page
order by case when %(by_urgency)s then cell.urgency end desc, page.observed_at desc, page.id desc
limit %(size)s

-- largest --
-- One page of some cells of a state, what is most at risk first: first the rest of the amount the cursor stands in, so that
-- a limit on time is found by index among the equal amounts, then the smaller ones.
select page.id
from unnest(%(systems)s::text[], %(rules)s::text[], %(urgencies)s::smallint[]) as cell(system, rule, urgency)
cross join lateral (
    (
        select a.id, a.at_risk, a.observed_at
        from anomalies_anomaly as a
        where a.state = %(state)s and a.system = cell.system and a.rule = cell.rule and a.urgency = cell.urgency
            and a.at_risk = %(from_amount)s and (a.observed_at, a.id) < (%(from_at)s, %(from_id)s)
            and (%(owner)s::bigint is null or a.owner_id = %(owner)s)
            and (not %(nobody)s or a.owner_id is null)
            and (%(since)s::timestamptz is null or a.observed_at >= %(since)s)
            and (%(until)s::timestamptz is null or a.observed_at < %(until)s)
        order by a.observed_at desc, a.id desc
        limit %(size)s
    )
    union all
    (
        select a.id, a.at_risk, a.observed_at
        from anomalies_anomaly as a
        where a.state = %(state)s and a.system = cell.system and a.rule = cell.rule and a.urgency = cell.urgency
            and (%(from_amount)s::bigint is null or a.at_risk < %(from_amount)s)
            and (%(owner)s::bigint is null or a.owner_id = %(owner)s)
            and (not %(nobody)s or a.owner_id is null)
            and (%(since)s::timestamptz is null or a.observed_at >= %(since)s)
            and (%(until)s::timestamptz is null or a.observed_at < %(until)s)
        order by a.at_risk desc, a.observed_at desc, a.id desc
        limit %(size)s
    )
) as page
order by page.at_risk desc, page.observed_at desc, page.id desc
limit %(size)s

-- smallest --
-- The same with what is least at risk first.
select page.id
from unnest(%(systems)s::text[], %(rules)s::text[], %(urgencies)s::smallint[]) as cell(system, rule, urgency)
cross join lateral (
    (
        select a.id, a.at_risk, a.observed_at
        from anomalies_anomaly as a
        where a.state = %(state)s and a.system = cell.system and a.rule = cell.rule and a.urgency = cell.urgency
            and a.at_risk = %(from_amount)s and (a.observed_at, a.id) > (%(from_at)s, %(from_id)s)
            and (%(owner)s::bigint is null or a.owner_id = %(owner)s)
            and (not %(nobody)s or a.owner_id is null)
            and (%(since)s::timestamptz is null or a.observed_at >= %(since)s)
            and (%(until)s::timestamptz is null or a.observed_at < %(until)s)
        order by a.observed_at, a.id
        limit %(size)s
    )
    union all
    (
        select a.id, a.at_risk, a.observed_at
        from anomalies_anomaly as a
        where a.state = %(state)s and a.system = cell.system and a.rule = cell.rule and a.urgency = cell.urgency
            and (%(from_amount)s::bigint is null or a.at_risk > %(from_amount)s)
            and (%(owner)s::bigint is null or a.owner_id = %(owner)s)
            and (not %(nobody)s or a.owner_id is null)
            and (%(since)s::timestamptz is null or a.observed_at >= %(since)s)
            and (%(until)s::timestamptz is null or a.observed_at < %(until)s)
        order by a.at_risk, a.observed_at, a.id
        limit %(size)s
    )
) as page
order by page.at_risk, page.observed_at, page.id
limit %(size)s

-- counts --
-- How many there are of each state in some cells, counted no further than the cap.
select tab.state, found.count
from unnest(%(tabs)s::text[]) as tab(state)
cross join lateral (
    select count(*) as count
    from (
        select 1
        from unnest(
            %(states)s::text[], %(systems)s::text[], %(rules)s::text[], %(urgencies)s::smallint[]
        ) as cell(state, system, rule, urgency)
        cross join lateral (
            select 1
            from anomalies_anomaly as a
            where a.state = cell.state and a.system = cell.system and a.rule = cell.rule and a.urgency = cell.urgency
                and (%(owner)s::bigint is null or a.owner_id = %(owner)s)
                and (not %(nobody)s or a.owner_id is null)
                and (%(since)s::timestamptz is null or a.observed_at >= %(since)s)
                and (%(until)s::timestamptz is null or a.observed_at < %(until)s)
            limit %(cap)s
        ) as one
        where cell.state = tab.state
        limit %(cap)s
    ) as counted
) as found

-- naming --
-- The newest anomalies that name an identifier, no more than the cap.
select id from anomalies_anomaly where ids @> array[%(identifier)s] limit %(cap)s
