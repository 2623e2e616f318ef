-- move_marks --
-- Says up to when some rules have judged everything; a mark never moves back.
insert into anomalies_rulemark (system, rule, reached)
select %(system)s, rule, %(reached)s from unnest(%(rules)s::text[]) as rule
on conflict (system, rule) do update set reached = greatest(anomalies_rulemark.reached, excluded.reached)

-- insert_found --
-- Keeps what nobody has seen before.
insert into anomalies_anomaly (
    system, rule, subject_kind, subject, fingerprint, ids, verdict, severity, observed_at, amount, unit, facts,
    facts_digest, presence, first_seen_at, last_seen_at, checked_at, occurrence, decision, decided_digest,
    decision_note, dismissal
)
select
    system, rule, subject_kind, subject, fingerprint, ids, verdict, severity, coalesce(observed_at, %(now)s), amount,
    unit, facts, facts_digest, 'seen', %(now)s, %(now)s, %(now)s, 1, 'open', '', '', ''
from json_to_recordset(%(rows)s::json) as found(
    system text, rule text, subject_kind text, subject text, fingerprint text, ids text[], verdict text, severity text,
    observed_at timestamptz, amount bigint, unit text, facts jsonb, facts_digest text
)
on conflict (fingerprint) do nothing
returning id, fingerprint

-- update_seen --
-- Brings what was known before to what the source says now.
update anomalies_anomaly as known
set
    subject_kind = found.subject_kind,
    ids = found.ids,
    verdict = found.verdict,
    severity = found.severity,
    observed_at = coalesce(found.observed_at, known.observed_at),
    amount = found.amount,
    unit = found.unit,
    facts = found.facts,
    facts_digest = found.facts_digest,
    decided_digest = found.decided_digest,
    presence = 'seen',
    last_seen_at = greatest(known.last_seen_at, %(now)s),
    checked_at = greatest(known.checked_at, %(now)s),
    occurrence = known.occurrence + found.returned::int,
    returned_at = case when found.returned then %(now)s else known.returned_at end
from json_to_recordset(%(rows)s::json) as found(
    fingerprint text, subject_kind text, ids text[], verdict text, severity text, observed_at timestamptz,
    amount bigint, unit text, facts jsonb, facts_digest text, decided_digest text, returned boolean
)
where known.fingerprint = found.fingerprint

-- touch_seen --
-- Nothing has changed: they were seen once more.
update anomalies_anomaly
set last_seen_at = greatest(last_seen_at, %(now)s), checked_at = greatest(checked_at, %(now)s)
where id = any(%(ids)s)
