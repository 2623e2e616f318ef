-- What no path may do to an adjustment, whoever asks: a page, a job, a command, SQL typed by hand as the site's role.
--
-- The functions run with the rights of the tables' owner and a fixed search path, so that nothing the caller sets or
-- creates changes what they see. Each refusal names a constraint, as a check constraint does.

-- Every move there is. The same table is in states.py; a test compares the two.
create function public.adjustments_may_move(state_before text, state_after text) returns boolean
language sql immutable parallel safe
return (state_before, state_after) in (
    ('pending', 'pending'),
    ('pending', 'approved'),
    ('pending', 'rejected'),
    ('pending', 'withdrawn'),
    ('pending', 'expired'),
    ('approved', 'applied'),
    ('approved', 'expired'),
    ('approved', 'cancelled'),
    ('approved', 'needs_attention'),
    ('needs_attention', 'approved'),
    ('needs_attention', 'applied'),
    ('needs_attention', 'cancelled')
);

create function public.adjustments_refuse(rule text, sentence text) returns void
language plpgsql
as $$
begin
    raise exception '%', sentence using errcode = 'check_violation', constraint = rule;
end
$$;

-- Who proposed it or edited any revision of it.
create function public.adjustments_had_a_hand(request uuid, someone bigint) returns boolean
language sql stable
return exists (select from public.adjustments_adjustment a where a.id = request and a.proposed_by_id = someone)
    or exists (select from public.adjustments_contributor c where c.adjustment_id = request and c.person_id = someone);

-- How many people, none of whom had a hand in it, approved exactly this content.
create function public.adjustments_approvals(request uuid, revision integer, hash text) returns bigint
language sql stable
return (
    select count(distinct d.person_id) from public.adjustments_decision d
    where d.adjustment_id = request and d.revision = $2 and d.content_hash = hash and d.verdict = 'approve'
      and not public.adjustments_had_a_hand(request, d.person_id)
);

-- Two people asked for the same of this attempt, and at least one of them had no hand in the request.
create function public.adjustments_two_asked(request uuid, revision integer, attempt integer, wanted text) returns boolean
language sql stable
return (
    select count(distinct d.person_id) >= 2
       and coalesce(bool_or(not public.adjustments_had_a_hand(request, d.person_id)), false)
    from public.adjustments_decision d
    where d.adjustment_id = request and d.revision = $2 and d.attempt = $3 and d.verdict = wanted
);

-- The content as signed agrees with the columns and lines beside it, to the last character.
create function public.adjustments_agree(request uuid) returns boolean
language sql stable
return (
    select a.content_hash = encode(sha256(convert_to(a.content, 'UTF8')), 'hex')
       and a.content::jsonb = jsonb_build_object(
            'form', 1, 'system', a.system, 'correction', a.correction, 'subject_kind', a.subject_kind,
            'subject', a.subject, 'reason', a.reason, 'policy', a.policy_version, 'reverses', a.reverses_id,
            'lines', (
                select jsonb_agg(
                    jsonb_build_object(
                        'number', l.number, 'key', l.key, 'subject', l.subject, 'amount', l.amount, 'unit', l.unit,
                        'particulars', l.particulars, 'evidence', l.evidence
                    ) order by l.number)
                from public.adjustments_adjustmentline l where l.adjustment_id = a.id and l.revision = a.revision
            ))
       and a.amount = (
            select sum(l.amount) from public.adjustments_adjustmentline l
            where l.adjustment_id = a.id and l.revision = a.revision)
       and not exists (
            select from public.adjustments_adjustmentline l
            where l.adjustment_id = a.id and l.revision = a.revision and l.unit <> a.unit)
       and exists (
            select from public.adjustments_revision r
            where r.adjustment_id = a.id and r.number = a.revision
              and r.content = a.content and r.content_hash = a.content_hash)
       and exists (
            select from public.adjustments_revision r
            where r.adjustment_id = a.id and r.number = 1 and r.by_id = a.proposed_by_id)
    from public.adjustments_adjustment a where a.id = request
);

create function public.adjustments_guard_request() returns trigger
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

    select count(*) filter (where l.outcome = 'waiting'), count(*) filter (where l.outcome = 'posted')
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

create function public.adjustments_guard_line() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    request adjustments_adjustment;
begin
    if tg_op = 'DELETE' then
        perform adjustments_refuse('line_stays', 'A line is never deleted.');
    end if;
    select * into request from adjustments_adjustment a where a.id = new.adjustment_id;
    if tg_op = 'INSERT' then
        if request.state <> 'pending' or request.revision <> new.revision or new.outcome <> 'waiting' then
            perform adjustments_refuse('line_added_while_pending', 'Lines are added to the pending revision only.');
        end if;
        return new;
    end if;
    if to_jsonb(new) - '{outcome,receipt,posted_at}'::text[]
       is distinct from to_jsonb(old) - '{outcome,receipt,posted_at}'::text[] then
        perform adjustments_refuse('line_never_changes', 'A line never changes; an edit makes new ones.');
    end if;
    if old.outcome <> 'waiting' then
        perform adjustments_refuse('line_outcome_is_final', 'What became of a line is final.');
    end if;
    if request.state not in ('approved', 'needs_attention') or request.revision <> new.revision then
        perform adjustments_refuse('line_posted_when_approved', 'Only the lines of an approved request are posted.');
    end if;
    return new;
end
$$;

create function public.adjustments_guard_revision() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    if tg_op <> 'INSERT' then
        perform adjustments_refuse('revision_stays', 'A revision is neither changed nor deleted.');
    end if;
    if not exists (
        select from adjustments_adjustment a
        where a.id = new.adjustment_id and a.state = 'pending' and a.revision = new.number
          and a.content = new.content and a.content_hash = new.content_hash) then
        perform adjustments_refuse('revision_is_the_current', 'A revision is written with the content it keeps.');
    end if;
    insert into adjustments_contributor (adjustment_id, person_id) values (new.adjustment_id, new.by_id)
    on conflict do nothing;
    return new;
end
$$;

create function public.adjustments_guard_decision() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    request adjustments_adjustment;
begin
    if tg_op <> 'INSERT' then
        perform adjustments_refuse('decision_stays', 'A decision is neither changed nor deleted.');
    end if;
    -- Whoever decides waits for whoever is deciding, and then sees what came of it.
    select * into request from adjustments_adjustment a where a.id = new.adjustment_id for no key update;
    if new.revision <> request.revision or new.content_hash <> request.content_hash
       or new.attempt <> request.attempt then
        perform adjustments_refuse('decision_on_what_there_is', 'The decision is about another content than there is.');
    end if;
    if new.verdict in ('approve', 'reject') then
        if request.state <> 'pending' or new.at >= request.approve_by then
            perform adjustments_refuse('decision_in_time', 'The adjustment is no longer waiting for approval.');
        end if;
        if adjustments_had_a_hand(new.adjustment_id, new.person_id) then
            perform adjustments_refuse('decision_by_another', 'Whoever proposed or edited it does not decide it.');
        end if;
        -- Held until the commit: a role that is being taken away waits, or has been taken away.
        perform 1 from accounts_person p join accounts_rolegrant g on g.person_id = p.id
        where p.id = new.person_id and p.is_active and g.role = 'approver' for share;
        if not found then
            perform adjustments_refuse('decision_by_an_approver', 'Only an approver decides.');
        end if;
    elsif request.state = 'needs_attention' or (request.state = 'approved' and new.verdict = 'cancel') then
        null;
    else
        perform adjustments_refuse('decision_when_asked_for', format('There is nothing to %s.', new.verdict));
    end if;
    return new;
end
$$;

create function public.adjustments_guard_contributor() returns trigger
language plpgsql
as $$
begin
    perform public.adjustments_refuse('contributor_stays', 'A contributor stays one.');
    return null;
end
$$;

-- At the commit: an adjustment, its lines and its revision were written in several statements.
create function public.adjustments_check_agreement() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    request uuid := coalesce(to_jsonb(new) ->> 'adjustment_id', to_jsonb(new) ->> 'id');
begin
    if adjustments_agree(request) is not true then
        perform adjustments_refuse('adjustment_content_agrees', 'The signed content and the lines do not agree.');
    end if;
    return null;
end
$$;

create function public.adjustments_refuse_truncate() returns trigger
language plpgsql
as $$
begin
    perform public.adjustments_refuse('adjustment_stays', 'Adjustments are never emptied.');
    return null;
end
$$;

create trigger adjustments_guard before insert or update or delete on public.adjustments_adjustment
    for each row execute function public.adjustments_guard_request();
create trigger adjustments_guard before insert or update or delete on public.adjustments_adjustmentline
    for each row execute function public.adjustments_guard_line();
create trigger adjustments_guard before insert or update or delete on public.adjustments_revision
    for each row execute function public.adjustments_guard_revision();
create trigger adjustments_guard before insert or update or delete on public.adjustments_decision
    for each row execute function public.adjustments_guard_decision();
create trigger adjustments_guard before update or delete on public.adjustments_contributor
    for each row execute function public.adjustments_guard_contributor();

create constraint trigger adjustments_agreement after insert or update of revision on public.adjustments_adjustment
    deferrable initially deferred for each row execute function public.adjustments_check_agreement();
create constraint trigger adjustments_agreement after insert on public.adjustments_adjustmentline
    deferrable initially deferred for each row execute function public.adjustments_check_agreement();

create trigger adjustments_no_truncate before truncate on public.adjustments_adjustment
    for each statement execute function public.adjustments_refuse_truncate();
create trigger adjustments_no_truncate before truncate on public.adjustments_adjustmentline
    for each statement execute function public.adjustments_refuse_truncate();
create trigger adjustments_no_truncate before truncate on public.adjustments_revision
    for each statement execute function public.adjustments_refuse_truncate();
create trigger adjustments_no_truncate before truncate on public.adjustments_decision
    for each statement execute function public.adjustments_refuse_truncate();
create trigger adjustments_no_truncate before truncate on public.adjustments_contributor
    for each statement execute function public.adjustments_refuse_truncate();

-- Also for a session that calls itself a replica.
alter table public.adjustments_adjustment enable always trigger adjustments_guard;
alter table public.adjustments_adjustmentline enable always trigger adjustments_guard;
alter table public.adjustments_revision enable always trigger adjustments_guard;
alter table public.adjustments_decision enable always trigger adjustments_guard;
alter table public.adjustments_contributor enable always trigger adjustments_guard;
