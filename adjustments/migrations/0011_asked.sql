-- Who asks to try again or to cancel works with requests, and who confirms it decides: held for every path, and against
-- a role that is being taken away meanwhile.
create function public.adjustments_guard_asked() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    if not adjustments_holds_now(new.person_id, '{support,approver}') then
        perform adjustments_refuse('asked_by_who_may', 'Only support and approvers ask for this.');
    end if;
    if exists (
        select from adjustments_decision d
        where d.adjustment_id = new.adjustment_id and d.revision = new.revision and d.attempt = new.attempt
          and d.verdict = new.verdict and d.person_id <> new.person_id
    ) and not adjustments_holds_now(new.person_id, '{approver}') then
        perform adjustments_refuse('asked_and_confirmed_by_an_approver', 'What somebody asked for, an approver confirms.');
    end if;
    return new;
end
$$;

create trigger adjustments_guard_asked before insert on public.adjustments_decision
    for each row when (new.verdict in ('retry', 'cancel')) execute function public.adjustments_guard_asked();
alter table public.adjustments_decision enable always trigger adjustments_guard_asked;
