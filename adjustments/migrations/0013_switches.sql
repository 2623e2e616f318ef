-- What no path may do to the flips of switches, and to their reviews.

create function public.adjustments_flip_may_move(state_before text, state_after text) returns boolean
language sql immutable parallel safe
return (state_before, state_after) in (
    ('asked', 'under_way'),
    ('asked', 'done'),  -- what the console keeps itself
    ('asked', 'left'),
    ('under_way', 'under_way'),  -- the value before is noted before anything is done
    ('under_way', 'done'),
    ('under_way', 'failed'),
    ('under_way', 'unknown'),
    ('under_way', 'left'),
    ('unknown', 'done'),
    ('unknown', 'failed')
);

create function public.adjustments_guard_flip() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    moving text[] := '{state,before_value,effective_value,why,started_at,ended_at}';
    original adjustments_flip;
begin
    if tg_op = 'DELETE' then
        perform adjustments_refuse('flip_stays', 'A flip is never deleted.');
    end if;
    if tg_op = 'UPDATE' then
        if to_jsonb(new) - moving is distinct from to_jsonb(old) - moving then
            perform adjustments_refuse('flip_never_changes', 'What was asked of a switch never changes.');
        end if;
        if not adjustments_flip_may_move(old.state, new.state) then
            perform adjustments_refuse('flip_move_is_legal',
                format('A flip does not go from %s to %s.', old.state, new.state));
        end if;
        if old.state <> 'asked' and old.before_value is not null and new.before_value is distinct from old.before_value then
            perform adjustments_refuse('flip_before_is_kept', 'The value before was noted, and stays.');
        end if;
        return new;
    end if;

    if new.state <> 'asked' or new.before_value is not null or new.effective_value is not null then
        perform adjustments_refuse('flip_begins_asked', 'A flip begins as asked for.');
    end if;
    if new.flipped_by_id is not null and not adjustments_holds_now(new.flipped_by_id, '{support,approver}') then
        perform adjustments_refuse('flip_by_who_may', 'Only who may switch flips a switch.');
    end if;
    if new.returns_id is not null then
        select * into original from adjustments_flip f where f.id = new.returns_id;
        if (original.system, original.switch) is distinct from (new.system, new.switch)
           or new.value is distinct from original.before_value then
            perform adjustments_refuse('flip_returns_what_was', 'Flipping back gives the value that was before.');
        end if;
        if new.flipped_by_id is null and (original.until is null or original.until > new.asked_at) then
            perform adjustments_refuse('flip_returns_in_time', 'By itself it flips back when its time has passed.');
        end if;
        if new.flipped_by_id is not null and not exists (
            select from adjustments_review r
            where r.flip_id = original.id and r.opinion = 'object' and r.reviewer_id = new.flipped_by_id) then
            perform adjustments_refuse('flip_back_by_who_objects', 'A person flips back what they object to.');
        end if;
    end if;
    -- Giving back what was is what a second person saw or asked for; everything else is to be looked at.
    new.review_by := case when new.returns_id is null then new.asked_at + interval '1 day' end;
    return new;
end
$$;

create function public.adjustments_guard_review() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    flip adjustments_flip;
begin
    if tg_op <> 'INSERT' then
        perform adjustments_refuse('review_stays', 'A review is neither changed nor deleted.');
    end if;
    select * into flip from adjustments_flip f where f.id = new.flip_id for no key update;
    if flip.review_by is null or flip.state in ('failed', 'left') then
        perform adjustments_refuse('review_of_what_was_flipped', 'There is nothing to review.');
    end if;
    if flip.flipped_by_id = new.reviewer_id then
        perform adjustments_refuse('review_by_another', 'Whoever flipped a switch does not review it.');
    end if;
    if not adjustments_holds_now(new.reviewer_id, '{approver}') then
        perform adjustments_refuse('review_by_who_may', 'Only an approver reviews a switch.');
    end if;
    return new;
end
$$;

create function public.adjustments_record_flip() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform admin_audit_log_acted(
        'switch_flip_' || new.state, 'switch', new.system || ':' || new.switch,
        case new.state when 'failed' then 'failed' when 'unknown' then 'cannot_tell' else 'done' end,
        new.reason, new.system, '', '', '', jsonb_build_object(
            'flip', new.id, 'asked_for', new.value, 'until', new.until, 'returns', new.returns_id, 'why', new.why,
            'before', jsonb_build_object('value', new.before_value),
            'after', jsonb_build_object('value', new.effective_value)));
    return null;
end
$$;

create function public.adjustments_record_review() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    flip adjustments_flip;
begin
    select * into flip from adjustments_flip f where f.id = new.flip_id;
    perform admin_audit_log_acted(
        'switch_review_' || new.opinion, 'switch', flip.system || ':' || flip.switch, 'done', new.note, flip.system,
        '', '', '', jsonb_build_object('flip', flip.id, 'value', flip.value, 'flipped_by', flip.flipped_by_id));
    return null;
end
$$;

create trigger adjustments_guard before insert or update or delete on public.adjustments_flip
    for each row execute function public.adjustments_guard_flip();
create trigger adjustments_guard before insert or update or delete on public.adjustments_review
    for each row execute function public.adjustments_guard_review();
create constraint trigger adjustments_record after insert on public.adjustments_flip
    deferrable initially deferred for each row execute function public.adjustments_record_flip();
create constraint trigger adjustments_record_move after update of state on public.adjustments_flip
    deferrable initially deferred for each row when (new.state is distinct from old.state)
    execute function public.adjustments_record_flip();
create constraint trigger adjustments_record after insert on public.adjustments_review
    deferrable initially deferred for each row execute function public.adjustments_record_review();
create trigger adjustments_no_truncate before truncate on public.adjustments_flip
    for each statement execute function public.adjustments_refuse_truncate();
create trigger adjustments_no_truncate before truncate on public.adjustments_review
    for each statement execute function public.adjustments_refuse_truncate();

-- Also for a session that calls itself a replica.
alter table public.adjustments_flip enable always trigger adjustments_guard;
alter table public.adjustments_flip enable always trigger adjustments_record;
alter table public.adjustments_flip enable always trigger adjustments_record_move;
alter table public.adjustments_review enable always trigger adjustments_guard;
alter table public.adjustments_review enable always trigger adjustments_record;
