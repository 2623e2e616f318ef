-- Whoever's roles ask for a second factor decides about nothing while they have none: approvers about money, admins
-- about the policy. The column that says who it is comes as the trigger's argument. The person's row is held, and losing
-- the last factor writes to it: so it is lost before the decision or after it.
create function public.adjustments_guard_second_factor() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform 1 from accounts_person p where p.id = (to_jsonb(new) ->> tg_argv[0])::bigint for share;
    if exists (
        select from accounts_person p join accounts_rolegrant g on g.person_id = p.id
        where p.id = (to_jsonb(new) ->> tg_argv[0])::bigint and not p.second_factor and g.role in ('approver', 'admin')
    ) then
        perform adjustments_refuse('decision_with_second_factor',
            'Approvers and admins decide once they have set up a second factor.');
    end if;
    return new;
end
$$;

create trigger adjustments_guard_second_factor before insert on public.adjustments_decision
    for each row execute function public.adjustments_guard_second_factor('person_id');
alter table public.adjustments_decision enable always trigger adjustments_guard_second_factor;

create trigger adjustments_guard_second_factor before insert or update on public.adjustments_thaw
    for each row execute function public.adjustments_guard_second_factor('decided_by_id');
alter table public.adjustments_thaw enable always trigger adjustments_guard_second_factor;

create trigger adjustments_guard_second_factor before insert on public.adjustments_review
    for each row execute function public.adjustments_guard_second_factor('reviewer_id');
alter table public.adjustments_review enable always trigger adjustments_guard_second_factor;

create trigger adjustments_guard_second_factor before insert or update on public.adjustments_policychange
    for each row execute function public.adjustments_guard_second_factor('decided_by_id');
alter table public.adjustments_policychange enable always trigger adjustments_guard_second_factor;
