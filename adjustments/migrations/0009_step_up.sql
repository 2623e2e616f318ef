-- Whatever is said of a request (approve, reject, retry, cancel) uses up a fresh proof of who says it, made for exactly
-- this content. Fires after adjustments_guard, which holds the request's row: two at once use up two.
create function public.adjustments_guard_step_up() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    if not accounts_use_step_up(new.person_id, new.content_hash, new.at, 'decision:' || new.id) then
        perform adjustments_refuse('decision_after_step_up',
            'A decision needs a fresh proof of who decides, made for this content and not used yet.');
    end if;
    return new;
end
$$;

create trigger adjustments_guard_step_up before insert on public.adjustments_decision
    for each row execute function public.adjustments_guard_step_up();
alter table public.adjustments_decision enable always trigger adjustments_guard_step_up;
