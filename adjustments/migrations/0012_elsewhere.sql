-- What no path may say of a line that is carried out elsewhere.

create function public.adjustments_guard_call() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    state_now text;
begin
    if tg_op = 'DELETE' then
        perform adjustments_refuse('call_stays', 'A call is never deleted.');
    end if;
    if tg_op = 'INSERT' then
        select a.state into state_now
        from adjustments_adjustmentline l join adjustments_adjustment a on a.id = l.adjustment_id
        where l.id = new.line_id and l.revision = a.revision and a.content_hash = new.content_hash;
        if new.state not in ('intended', 'void') or state_now is distinct from 'approved'
           and not (new.state = 'void' and state_now is not distinct from 'needs_attention') then
            perform adjustments_refuse('call_begins_as_an_intent', 'A call begins with the intent, once it is approved.');
        end if;
        return new;
    end if;
    if (new.id, new.line_id, new.content_hash, new.first_intended_at)
       is distinct from (old.id, old.line_id, old.content_hash, old.first_intended_at) then
        perform adjustments_refuse('call_is_about_one_line', 'What a call is about never changes.');
    end if;
    if old.state in ('done', 'refused', 'void') then
        perform adjustments_refuse('call_outcome_is_final', 'What became of a call is final.');
    end if;
    -- Nothing is sent again before the other side was asked and had nothing of it.
    if (new.send_count, new.intended_at) is distinct from (old.send_count, old.intended_at)
       or (new.state = 'intended' and old.state <> 'intended') then
        if old.state <> 'unsent' or new.state <> 'intended' or new.send_count <> old.send_count + 1 then
            perform adjustments_refuse('call_read_back_before_a_retry', 'It is read back before it is sent again.');
        end if;
    end if;
    if new.state = 'void' and old.state <> 'unsent' then
        perform adjustments_refuse('call_void_when_not_there', 'A call is given up only when it is known not to be there.');
    end if;
    return new;
end
$$;

-- A line that has a call says no more than the call does.
create function public.adjustments_guard_line_of_call() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    known text;
begin
    select c.state into known from adjustments_remotecall c where c.line_id = new.id;
    if found and new.outcome is distinct from old.outcome
       and (new.outcome = 'posted' and known <> 'done' or new.outcome = 'void' and known not in ('void', 'refused')) then
        perform adjustments_refuse('line_agrees_with_its_call', format('The call of this line is %s.', known));
    end if;
    return new;
end
$$;

create function public.adjustments_guard_carried_out() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    request adjustments_adjustment;
begin
    if tg_op <> 'INSERT' then
        perform adjustments_refuse('carried_out_stays', 'Evidence is neither changed nor deleted.');
    end if;
    select a.* into request
    from adjustments_adjustment a join adjustments_adjustmentline l on l.adjustment_id = a.id
    where l.id = new.line_id and l.revision = a.revision for no key update of a;
    if request.state is null or request.state not in ('approved', 'needs_attention')
       or new.done_at < request.approved_at then
        perform adjustments_refuse('carried_out_after_approval', 'It is carried out after it was approved.');
    end if;
    if not adjustments_holds_now(new.person_id, '{support,approver}') or exists (
        select from adjustments_decision d
        where d.adjustment_id = request.id and d.revision = request.revision
          and d.verdict = 'approve' and d.person_id = new.person_id) then
        perform adjustments_refuse('carried_out_by_another', 'Whoever approved it does not carry it out.');
    end if;
    return new;
end
$$;

create trigger adjustments_guard before insert or update or delete on public.adjustments_remotecall
    for each row execute function public.adjustments_guard_call();
create trigger adjustments_guard_call before update on public.adjustments_adjustmentline
    for each row execute function public.adjustments_guard_line_of_call();
create trigger adjustments_guard before insert or update or delete on public.adjustments_carriedout
    for each row execute function public.adjustments_guard_carried_out();
create trigger adjustments_no_truncate before truncate on public.adjustments_remotecall
    for each statement execute function public.adjustments_refuse_truncate();
create trigger adjustments_no_truncate before truncate on public.adjustments_carriedout
    for each statement execute function public.adjustments_refuse_truncate();

alter table public.adjustments_remotecall enable always trigger adjustments_guard;
alter table public.adjustments_adjustmentline enable always trigger adjustments_guard_call;
alter table public.adjustments_carriedout enable always trigger adjustments_guard;
