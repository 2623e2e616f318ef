-- A line is what is asked for, posted, refused, fenced and taken back; the request is what is signed and decided.
--
-- Replaces three functions of 0002_guards.sql: the request and its agreement know the second form of the content, and
-- the line knows what it is about, whether it stands in the way of another one, and how it may end.

create function public.adjustments_refuse_old_form(content text) returns void
language plpgsql
as $$
begin
    if (content::jsonb ->> 'form') is distinct from '2' then
        perform public.adjustments_refuse('adjustment_content_form', 'New content is written in form 2.');
    end if;
end
$$;

-- A line as the content of this form has it.
create function public.adjustments_line_as_signed(l public.adjustments_adjustmentline, form integer) returns jsonb
language sql immutable
return jsonb_build_object(
        'number', l.number, 'key', l.key, 'subject', l.subject, 'amount', l.amount, 'unit', l.unit,
        'particulars', l.particulars, 'evidence', l.evidence)
    || case when form = 1 then '{}'::jsonb else jsonb_build_object('customer', l.customer) end;

-- The content as signed agrees with the columns and lines beside it, to the last character.
create or replace function public.adjustments_agree(request uuid) returns boolean
language sql stable
return (
    select a.content_hash = encode(sha256(convert_to(a.content, 'UTF8')), 'hex')
       and s.form in (1, 2)
       and s.signed = jsonb_build_object(
            'form', s.form, 'system', a.system, 'correction', a.correction, 'subject_kind', a.subject_kind,
            'subject', a.subject, 'reason', a.reason, 'policy', a.policy_version, 'reverses', a.reverses_id,
            'lines', l.lines)
       and a.amount = l.amount
       and l.units = 1 and l.unit = a.unit
       and exists (
            select from public.adjustments_revision r
            where r.adjustment_id = a.id and r.number = a.revision
              and r.content = a.content and r.content_hash = a.content_hash)
       and exists (
            select from public.adjustments_revision r
            where r.adjustment_id = a.id and r.number = 1 and r.by_id = a.proposed_by_id)
    from public.adjustments_adjustment a
    cross join lateral (
        select a.content::jsonb as signed, (a.content::jsonb ->> 'form')::integer as form offset 0) s
    cross join lateral (
        select jsonb_agg(public.adjustments_line_as_signed(l, s.form) order by l.number) as lines,
            sum(l.amount) as amount, count(distinct l.unit) as units, min(l.unit) as unit
        from public.adjustments_adjustmentline l
        where l.adjustment_id = a.id and l.revision = a.revision) l
    where a.id = request
);

create or replace function public.adjustments_guard_request() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    waiting bigint;
    posted bigint;
begin
    if tg_op = 'DELETE' then
        perform adjustments_refuse('adjustment_stays', 'An adjustment is never deleted.');
    end if;
    if tg_op = 'INSERT' then
        if new.state <> 'pending' or new.revision <> 1 or new.attempt <> 0 then
            perform adjustments_refuse('adjustment_begins_pending', 'An adjustment begins as pending, revision 1.');
        end if;
        perform adjustments_refuse_old_form(new.content);
        return new;
    end if;

    if (new.id, new.number, new.system, new.correction, new.anomaly_id, new.fingerprint, new.occurrence,
        new.subject_kind, new.subject, new.proposed_by_id, new.proposed_at, new.reverses_id, new.correlation_id)
       is distinct from
       (old.id, old.number, old.system, old.correction, old.anomaly_id, old.fingerprint, old.occurrence,
        old.subject_kind, old.subject, old.proposed_by_id, old.proposed_at, old.reverses_id, old.correlation_id) then
        perform adjustments_refuse('adjustment_is_about_one_thing', 'What an adjustment is about never changes.');
    end if;

    if new.revision = old.revision
       and (new.reason, new.amount, new.unit, new.content, new.content_hash, new.policy_version,
            new.approvals_needed, new.approve_by)
           is distinct from
           (old.reason, old.amount, old.unit, old.content, old.content_hash, old.policy_version,
            old.approvals_needed, old.approve_by) then
        perform adjustments_refuse('adjustment_edit_is_a_revision', 'What is signed changes by a new revision only.');
    end if;
    if new.revision <> old.revision
       and (old.state <> 'pending' or new.state <> 'pending' or new.revision <> old.revision + 1) then
        perform adjustments_refuse('adjustment_edited_while_pending',
            'Only a pending adjustment is edited, and an edit is the next revision.');
    end if;
    if new.revision <> old.revision then
        perform adjustments_refuse_old_form(new.content);
    end if;

    if new.state = old.state then
        if new.attempt <> old.attempt
           or (new.approved_at, new.apply_by, new.applied_at, new.closed_at)
              is distinct from (old.approved_at, old.apply_by, old.applied_at, old.closed_at) then
            perform adjustments_refuse('adjustment_times_are_moves', 'These columns change with a move only.');
        end if;
        return new;
    end if;

    if not adjustments_may_move(old.state, new.state) then
        perform adjustments_refuse('adjustment_move_is_legal',
            format('An adjustment does not go from %s to %s.', old.state, new.state));
    end if;
    if new.attempt <> old.attempt + (new.state = 'needs_attention')::integer then
        perform adjustments_refuse('adjustment_attempt_counts', 'The attempt counts how often attention was needed.');
    end if;

    if old.state = 'pending' and new.state = 'approved'
       and adjustments_approvals(new.id, new.revision, new.content_hash) < new.approvals_needed then
        perform adjustments_refuse('adjustment_approved_by_others',
            'Not enough people, apart from those who wrote it, have approved this content.');
    end if;
    if new.state = 'expired'
       and new.closed_at < (case old.state when 'pending' then old.approve_by else old.apply_by end) then
        perform adjustments_refuse('adjustment_expires_in_time', 'The deadline has not passed.');
    end if;
    if new.state = 'rejected' and not exists (
        select from adjustments_decision d
        where d.adjustment_id = new.id and d.revision = new.revision and d.verdict = 'reject') then
        perform adjustments_refuse('adjustment_rejected_by_someone', 'Nobody has rejected this content.');
    end if;
    if old.state = 'needs_attention' and new.state = 'approved'
       and not adjustments_two_asked(new.id, new.revision, old.attempt, 'retry') then
        perform adjustments_refuse('adjustment_retry_takes_two', 'Trying again takes two people.');
    end if;
    if new.state = 'cancelled' and not adjustments_two_asked(new.id, new.revision, old.attempt, 'cancel') then
        perform adjustments_refuse('adjustment_cancel_takes_two', 'Cancelling takes two people.');
    end if;

    select count(*) filter (where l.outcome in ('waiting', 'refused')), count(*) filter (where l.outcome = 'posted')
    into waiting, posted
    from adjustments_adjustmentline l where l.adjustment_id = new.id and l.revision = new.revision;
    if new.state = 'applied' and (waiting > 0 or posted = 0) then
        perform adjustments_refuse('adjustment_applied_has_receipts', 'Applied means that every line has its receipt.');
    end if;
    if old.state in ('approved', 'needs_attention') and new.state in ('cancelled', 'expired')
       and (waiting > 0 or posted > 0) then
        perform adjustments_refuse('adjustment_closed_behind_a_fence',
            'What was approved is closed only when the ledger holds a void key for every line.');
    end if;
    return new;
end
$$;

create or replace function public.adjustments_guard_line() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    state_now text;
    revision_now integer;
    correction_now text;
    takes_back uuid;
    changing text[] := '{outcome,receipt,posted_at,obstacle,found,live,reversed_at}';
begin
    if tg_op = 'DELETE' then
        perform adjustments_refuse('line_stays', 'A line is never deleted.');
    end if;
    select a.state, a.revision, a.correction, a.reverses_id
    into state_now, revision_now, correction_now, takes_back
    from adjustments_adjustment a where a.id = new.adjustment_id;

    if tg_op = 'INSERT' then
        if state_now is distinct from 'pending' or revision_now <> new.revision or new.outcome <> 'waiting' then
            perform adjustments_refuse('line_added_while_pending', 'Lines are added to the pending revision only.');
        end if;
        if new.fingerprint !~ '\S' or exists (
            select from anomalies_anomaly n
            where n.id = new.anomaly_id and regexp_replace(new.fingerprint, ' #[0-9]+$', '') <> n.fingerprint) then
            perform adjustments_refuse('line_is_about_its_anomaly', 'A line carries the fingerprint of its anomaly.');
        end if;
        if (takes_back is null) <> (new.reverses_id is null) or (new.reverses_id is not null and not exists (
            select from adjustments_adjustmentline l
            where l.id = new.reverses_id and l.adjustment_id = takes_back and l.outcome = 'posted'
              and l.amount = -new.amount)) then
            perform adjustments_refuse('line_takes_back_what_was_posted',
                'A line of a reversal takes back one posted line of the request it names, to the last unit.');
        end if;
        new.correction := correction_now;
        new.live := true;
        new.reversed_at := null;
        return new;
    end if;

    if to_jsonb(new) - changing is distinct from to_jsonb(old) - changing then
        perform adjustments_refuse('line_never_changes', 'A line never changes; an edit makes new ones.');
    end if;
    if new.outcome <> old.outcome and not (
        old.outcome in ('waiting', 'refused') and new.outcome in ('waiting', 'refused', 'posted', 'void')) then
        perform adjustments_refuse('line_outcome_is_final', 'What became of a line is final.');
    end if;
    if (new.outcome, new.receipt, new.posted_at, new.obstacle, new.found)
       is distinct from (old.outcome, old.receipt, old.posted_at, old.obstacle, old.found) then
        if old.outcome in ('posted', 'void') then
            perform adjustments_refuse('line_outcome_is_final', 'What became of a line is final.');
        end if;
        if state_now not in ('approved', 'needs_attention') or revision_now <> new.revision then
            perform adjustments_refuse('line_posted_when_approved', 'Only the lines of an approved request are posted.');
        end if;
        if new.outcome = 'waiting' and old.outcome = 'refused' and state_now <> 'approved' then
            perform adjustments_refuse('line_tried_again_when_approved',
                'A refused line is tried again when two people have asked for it.');
        end if;
    end if;
    if new.reversed_at is distinct from old.reversed_at and (old.reversed_at is not null or not exists (
        select from adjustments_adjustmentline r where r.reverses_id = new.id and r.outcome = 'posted')) then
        perform adjustments_refuse('line_reversed_by_its_reversal', 'Only a posted reversal takes a line back.');
    end if;
    new.live := state_now in ('pending', 'approved', 'needs_attention', 'applied')
        and revision_now = new.revision and new.outcome <> 'void' and new.reversed_at is null;
    return new;
end
$$;

-- Every line that is added is one that the content names; that the content names no others is seen at the commit.
create function public.adjustments_check_lines() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    if exists (
        with signed as materialized (
            select a.id, (a.content::jsonb ->> 'form')::integer as form, (e ->> 'number')::integer as number, e as line
            from adjustments_adjustment a cross join lateral jsonb_array_elements(a.content::jsonb -> 'lines') e
            where a.id in (select adjustment_id from added))
        select from added l
        left join signed s on s.id = l.adjustment_id and s.number = l.number
        left join adjustments_adjustmentline stored on stored.id = l.id
        where s.line is distinct from adjustments_line_as_signed(stored, s.form)) then
        perform adjustments_refuse('adjustment_content_agrees', 'The signed content and the lines do not agree.');
    end if;
    return null;
end
$$;

-- A request that is over, or another revision of it, lets go of what its lines asked for.
create function public.adjustments_let_go() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    update adjustments_adjustmentline l set live = false
    where l.adjustment_id = new.id and l.live
      and (l.revision <> new.revision or new.state not in ('pending', 'approved', 'needs_attention', 'applied'));
    return null;
end
$$;

-- A posted line of a reversal takes back the line it names.
create function public.adjustments_take_back() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    update adjustments_adjustmentline l set reversed_at = new.posted_at
    where l.id = new.reverses_id and l.reversed_at is null;
    return null;
end
$$;

-- What the log tells of a line (0004_recording.sql): also whose money it is, why it was refused, and what was found.
create or replace function public.adjustments_line_told(line public.adjustments_adjustmentline) returns jsonb
language sql stable
return jsonb_strip_nulls(jsonb_build_object(
    'key', line.key, 'subject', line.subject, 'amount', line.amount, 'outcome', line.outcome,
    'particulars', line.particulars, 'receipt', line.receipt, 'customer', nullif(line.customer, ''),
    'anomaly', line.anomaly_id, 'obstacle', nullif(line.obstacle, ''), 'found', line.found
));

drop trigger adjustments_agreement on public.adjustments_adjustmentline;
create trigger adjustments_lines_are_signed after insert on public.adjustments_adjustmentline
    referencing new table as added
    for each statement execute function public.adjustments_check_lines();
create trigger adjustments_let_go after update on public.adjustments_adjustment
    for each row when (new.state is distinct from old.state or new.revision is distinct from old.revision)
    execute function public.adjustments_let_go();
create trigger adjustments_take_back after update on public.adjustments_adjustmentline
    for each row when (new.outcome = 'posted' and old.outcome <> 'posted' and new.reverses_id is not null)
    execute function public.adjustments_take_back();

alter table public.adjustments_adjustmentline enable always trigger adjustments_lines_are_signed;
alter table public.adjustments_adjustment enable always trigger adjustments_let_go;
alter table public.adjustments_adjustmentline enable always trigger adjustments_take_back;
