-- Requests, decisions and what became of each line record themselves: these triggers are the record, for every path.

create function public.adjustments_line_told(line public.adjustments_adjustmentline) returns jsonb
language sql stable
return jsonb_strip_nulls(jsonb_build_object(
    'key', line.key, 'subject', line.subject, 'amount', line.amount, 'outcome', line.outcome,
    'particulars', line.particulars, 'receipt', line.receipt
));

-- The request in the log's words. At most a hundred lines are told; the request itself keeps them all.
create function public.adjustments_told(request public.adjustments_adjustment) returns jsonb
language sql stable
return jsonb_build_object(
    'number', request.number, 'correction', request.correction, 'subject', request.subject, 'amount', request.amount,
    'unit', request.unit, 'revision', request.revision, 'content_hash', request.content_hash,
    'policy', request.policy_version, 'lines_in_all', (
        select count(*) from public.adjustments_adjustmentline l
        where l.adjustment_id = request.id and l.revision = request.revision),
    'lines', (
        select coalesce(jsonb_agg(public.adjustments_line_told(l) order by l.number), '[]')
        from public.adjustments_adjustmentline l
        where l.adjustment_id = request.id and l.revision = request.revision and l.number <= 100)
);

-- What its lines name, where they are few: a long list would be found by nobody. Each line's own entry names its own.
create function public.adjustments_named(request public.adjustments_adjustment, what text) returns text
language sql stable
return (
    select case when count(*) <= 10 then coalesce(string_agg(distinct named, ', '), '') else '' end
    from public.adjustments_adjustmentline l,
        nullif(coalesce(l.particulars ->> what, l.receipt ->> what), '') as named
    where l.adjustment_id = request.id and l.revision = request.revision
);

create function public.adjustments_record(
    request public.adjustments_adjustment, verb text, outcome text, reason text, metadata jsonb
) returns void
language sql volatile
return (
    select public.admin_audit_log_acted(
        'adjustment_' || verb, 'adjustment', request.id::text, outcome, reason, request.system,
        public.adjustments_named(request, 'job_id'), public.adjustments_named(request, 'tx_id'),
        request.correlation_id, public.adjustments_told(request) || metadata
    )
);

-- What a move is called. To itself is the next revision.
create function public.adjustments_move_called(state_before text, state_after text) returns text
language sql immutable parallel safe
return case
    when state_before is null then 'proposed'
    when state_before = 'pending' and state_after = 'pending' then 'edited'
    when state_before = 'needs_attention' and state_after = 'approved' then 'retried'
    when state_after = 'needs_attention' then 'stopped'
    else state_after
end;

create function public.adjustments_record_request() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    stopped boolean := new.state = 'needs_attention';
begin
    if tg_op = 'UPDATE' and new.reversed_at is distinct from old.reversed_at then
        perform adjustments_record(new, 'reversed', 'done', new.reason, jsonb_build_object('reversed_at', new.reversed_at));
    end if;
    if tg_op = 'INSERT' or (new.state, new.revision) is distinct from (old.state, old.revision) then
        perform adjustments_record(
            new, adjustments_move_called(case when tg_op = 'UPDATE' then old.state end, new.state),
            case when stopped then 'refused' else 'done' end, case when stopped then new.obstacle else new.reason end,
            jsonb_build_object(
                'before', case when tg_op = 'UPDATE' then jsonb_build_object('state', old.state, 'revision', old.revision)
                    else jsonb_build_object('state', null) end,
                'after', jsonb_build_object('state', new.state, 'revision', new.revision)
            ));
    end if;
    return null;
end
$$;

-- What somebody said. It is theirs: nobody records the decision of another.
create function public.adjustments_record_decision() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    request adjustments_adjustment;
begin
    if current_setting('billingadmin.actor_id', true) is distinct from 'person:' || new.person_id then
        perform adjustments_refuse('decision_is_ones_own', 'A decision is made by the person it names.');
    end if;
    select * into request from adjustments_adjustment a where a.id = new.adjustment_id;
    perform adjustments_record(
        request,
        case new.verdict
            when 'approve' then 'approval_given' when 'reject' then 'rejection_given' else new.verdict || '_asked' end,
        'done', coalesce(nullif(new.reason, ''), request.reason),
        jsonb_build_object(
            'decision', new.id, 'attempt', new.attempt, 'content_hash', new.content_hash, 'revision', new.revision,
            'after', jsonb_build_object('state', request.state)
        ));
    return null;
end
$$;

-- What became of a line in the ledger: the entry that a ledger row is held against.
create function public.adjustments_record_line() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    request adjustments_adjustment;
begin
    select * into request from adjustments_adjustment a where a.id = new.adjustment_id;
    perform admin_audit_log_acted(
        'adjustment_line_' || new.outcome, 'adjustment', request.id::text,
        case new.outcome when 'refused' then 'refused' else 'done' end, request.reason, request.system,
        coalesce(new.particulars ->> 'job_id', new.receipt ->> 'job_id', ''),
        coalesce(new.particulars ->> 'tx_id', new.receipt ->> 'tx_id', ''), request.correlation_id,
        adjustments_line_told(new) || jsonb_build_object(
            'number', request.number, 'line', new.number, 'unit', new.unit, 'content_hash', request.content_hash,
            'before', jsonb_build_object('outcome', old.outcome), 'after', jsonb_build_object('outcome', new.outcome)
        ));
    return null;
end
$$;

create constraint trigger adjustments_record after insert or update on public.adjustments_adjustment
    deferrable initially deferred for each row execute function public.adjustments_record_request();
create constraint trigger adjustments_record after insert on public.adjustments_decision
    deferrable initially deferred for each row execute function public.adjustments_record_decision();
create constraint trigger adjustments_record after update of outcome on public.adjustments_adjustmentline
    deferrable initially deferred for each row when (new.outcome is distinct from old.outcome)
    execute function public.adjustments_record_line();
-- Also for a session that calls itself a replica.
alter table public.adjustments_adjustment enable always trigger adjustments_record;
alter table public.adjustments_decision enable always trigger adjustments_record;
alter table public.adjustments_adjustmentline enable always trigger adjustments_record;
