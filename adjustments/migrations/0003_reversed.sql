-- An applied request counts as taken back from the moment its reversal is applied, and from no other.
create function public.adjustments_guard_reversed() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    if old.reversed_at is not null or new.state <> 'applied' or not exists (
        select from adjustments_adjustment r where r.reverses_id = new.id and r.state = 'applied') then
        perform adjustments_refuse('adjustment_reversed_by_its_reversal', 'Only an applied reversal takes it back.');
    end if;
    return new;
end
$$;

create trigger adjustments_guard_reversed before update on public.adjustments_adjustment
    for each row when (new.reversed_at is distinct from old.reversed_at)
    execute function public.adjustments_guard_reversed();
alter table public.adjustments_adjustment enable always trigger adjustments_guard_reversed;
