-- people --
-- Twenty people who own something.
insert into accounts_person (id, password, email, name, zone, language, theme, is_active, created_at)
select n, '', 'person' || n || '@example.com', 'Person ' || n, 'Asia/Tokyo', 'en', 'auto', false, %(now)s
from generate_series(1, 20) as n

-- anomalies --
-- A long history, made so that a filter and an order pull in opposite directions: some rules have only old anomalies,
-- one has a handful, amounts are few and go with age, and one person owns the newest.
insert into anomalies_anomaly (
    system, rule, subject_kind, subject, fingerprint, ids, verdict, severity, observed_at, amount, unit, facts,
    facts_digest, presence, first_seen_at, last_seen_at, checked_at, occurrence, owner_id, claimed_at, decision,
    decided_by_id, decided_at, decided_digest, decision_note, dismissal, snoozed_until, settled_by
)
select
    'system' || s, 'rule' || s || r, 'job', n::text, 'system' || s || ':rule' || s || r || ':' || n,
    array[n::text, 'user' || n %% 5000],
    case when d < 0.05 then 'expected' else 'anomaly' end,
    (array['critical', 'major', 'minor', 'notice'])[1 + (s + r) %% 4],
    at, (array[20, 50, 80, 100])[1 + least(3, age_days / 100)], 'credits',
    jsonb_build_object('job_id', n, 'user_id', n %% 5000, 'succeeded', true, 'charged', true, 'refunded', false),
    '', case when d < 0.25 then 'absent' else 'seen' end, at, at, at, 1,
    owner, case when owner is not null then at end, decision,
    case when decision in ('snoozed', 'dismissed') then 1 end, case when decision <> 'open' then at end, '',
    case when decision = 'dismissed' then 'known' else '' end,
    case when decision = 'dismissed' then 'accepted_loss' else '' end,
    case when decision = 'snoozed' then at + interval '9 years' end,
    case when decision = 'settled' then gen_random_uuid() end
from (
    select
        n, s, r, d, age_days,
        %(now)s - make_interval(days => age_days, secs => n %% 86400) as at,
        case when age_days < 8 and s = 1 then 7 when n %% 40 = 0 then 1 + n %% 20 end as owner,
        case when d < 0.8 then 'open' when d < 0.88 then 'dismissed' when d < 0.94 then 'settled' else 'snoozed' end
            as decision
    from (
        select
            n, 1 + n %% 5 as s, case when n %% 100000 = 0 then 9 else floor(8 * sqrt(random()))::int end as r,
            random() as d
        from generate_series(1, %(rows)s) as n
    ) as thrown
    cross join lateral (
        select case when r < 4 then 200 + floor(200 * random())::int else floor(200 * random())::int end as age_days
        where n > 0
    ) as aged
) as made
