-- Whoever benefits from a request neither proposes nor edits nor decides it: the customer, the subject and every value of
-- the particulars and the evidence that were signed are compared with the identities of the person.

create function public.adjustments_named(content text) returns text[]
language sql stable set search_path = pg_catalog, pg_temp
as $$
    with signed as materialized (select content::jsonb as body)
    select coalesce(array_agg(distinct value #>> '{}'), '{}')
    from (
        select body -> 'subject' from signed
        union all
        select found.value
        from signed, jsonb_array_elements(body -> 'lines') as line (body),
            lateral (
                values (line.body -> 'customer'), (line.body -> 'subject')
                union all select jsonb_path_query(line.body, 'strict $.particulars.**', '{}', true)
                union all select jsonb_path_query(line.body, 'strict $.evidence.**', '{}', true)
            ) as found (value)
    ) as every (value)
    where jsonb_typeof(value) in ('string', 'number') and btrim(value #>> '{}') <> ''
$$;

-- The name under which this person benefits from what is signed; null: they do not.
create function public.adjustments_benefits(person bigint, content text) returns text
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    named text[] := adjustments_named(content);
    place text := content::jsonb ->> 'system';
begin
    if not accounts_is_beneficiary(person, named, place) then
        return null;
    end if;
    return (select min(value) from unnest(named) as every (value) where accounts_is_beneficiary(person, array[value], place));
end
$$;

create function public.adjustments_guard_beneficiary() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    signed text := (select a.content from adjustments_adjustment a where a.id = new.adjustment_id);
begin
    -- Held until the commit: a match of this person that is being confirmed waits, or has been confirmed.
    perform 1 from accounts_person p where p.id = new.person_id for share;
    if adjustments_benefits(new.person_id, signed) is not null then
        perform adjustments_refuse('decision_by_no_beneficiary', 'Whoever benefits from it does not decide it.');
    end if;
    return new;
end
$$;
create trigger adjustments_guard_beneficiary before insert on public.adjustments_decision
    for each row execute function public.adjustments_guard_beneficiary();
alter table public.adjustments_decision enable always trigger adjustments_guard_beneficiary;

create function public.adjustments_guard_author() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform 1 from accounts_person p where p.id = new.by_id for share;
    -- The same lines signed again under another policy are no new request of their author's.
    if adjustments_benefits(new.by_id, new.content) is not null and not exists (
            select from adjustments_revision r
            where r.adjustment_id = new.adjustment_id and r.number = new.number - 1 and r.by_id = new.by_id
              and adjustments_named(r.content) = adjustments_named(new.content)
              and r.content::jsonb ->> 'policy' <> new.content::jsonb ->> 'policy') then
        perform adjustments_refuse('proposal_by_no_beneficiary', 'Whoever benefits from it does not ask for it.');
    end if;
    return new;
end
$$;
create trigger adjustments_guard_author before insert on public.adjustments_revision
    for each row execute function public.adjustments_guard_author();
alter table public.adjustments_revision enable always trigger adjustments_guard_author;
