"""Whatever is changed about the guards is seen: each mutation, made by the tables' owner, shows as a drift."""

from contextlib import contextmanager

import pytest
from django.db import connections, transaction

from audit import guards
from billingadmin.postgres import embedded

pytestmark = pytest.mark.django_db(transaction=True)

LOG, DECISION, LINE = "admin_audit_log", "adjustments_decision", "adjustments_adjustmentline"
SITE = "billingadmin_site"
HASH = "public.admin_audit_log_hash(bigint, text, text)"
APPEND = f"public.admin_audit_log_append({', '.join(['text'] * 11)}, jsonb)"
NOTHING = "create or replace function public.{}() returns trigger language plpgsql {} as 'begin return {}; end'"
MUTATIONS = {
    "a trigger disabled": f"alter table {LOG} disable trigger admin_audit_log_no_change",
    "all triggers disabled": f"alter table {DECISION} disable trigger user",
    "a trigger only for replicas": f"alter table {LOG} enable replica trigger admin_audit_log_no_change",
    "a trigger no longer always": f"alter table {LOG} enable trigger admin_audit_log_no_truncate",
    "a trigger dropped": f"drop trigger admin_audit_log_no_truncate on {LOG}",
    "a trigger renamed": f"alter trigger admin_audit_log_no_change on {LOG} rename to something_else",
    "a trigger of other events": f"drop trigger admin_audit_log_no_change on {LOG};"
    f" create trigger admin_audit_log_no_change before update on {LOG} for each row"
    f" execute function admin_audit_log_refuse(); alter table {LOG} enable always trigger admin_audit_log_no_change",
    "a trigger added": f"create trigger aaa before update on {LOG} for each row"
    " execute function suppress_redundant_updates_trigger()",
    "a guard that lets pass": NOTHING.format("admin_audit_log_refuse", "", "new"),
    "a guard with other rights": "alter function public.admin_audit_log_refuse() security definer",
    "a search path of the caller": f"alter function {APPEND} reset search_path",
    "a longer wait": f"alter function {APPEND} set lock_timeout = '1h'",
    "a hash of nothing": "create or replace function public.admin_audit_log_hash(place bigint, previous_hash text,"
    " canonical text) returns text language sql immutable strict parallel safe return 'x'",
    "a function for everybody": f"grant execute on function {APPEND} to public",
    "a function added": "create function public.aside() returns int language sql return 1",
    "a function dropped": "drop function public.admin_audit_log_refuse() cascade",
    "update granted": f"grant update on {LOG} to {SITE}",
    "one column granted": f"grant update (reason) on {LOG} to {SITE}",
    "truncate granted": f"grant truncate on {DECISION} to {SITE}",
    "delete granted to all": f"grant delete on {LOG} to public",
    "trigger granted": f"grant trigger on {LOG} to {SITE}",
    "the reader's right taken": f"revoke select on {LOG} from {SITE}",
    "creation granted": f"grant create on schema public to {SITE}",
    "a check dropped": f"alter table {LOG} drop constraint admin_audit_log_hash_seals",
    "a check that checks nothing": f"alter table {LOG} drop constraint admin_audit_log_says_who;"
    f" alter table {LOG} add constraint admin_audit_log_says_who check (true)",
    "the key dropped": f"alter table {LOG} drop constraint admin_audit_log_pkey",
    "a chain that may fork": f"alter table {LOG} drop constraint admin_audit_log_one_successor",
    "a column that may be null": f"alter table {LOG} alter reason drop not null",
    "a column added": f"alter table {LOG} add column more text",
    "a rule that swallows": f"create rule swallow as on insert to {LOG} do instead nothing",
    "rows hidden": f"alter table {LOG} enable row level security",
    "a view in its place": f"alter table {LOG} rename to aside; create view {LOG} as select * from aside",
    "a child table": f"create table aside () inherits ({LOG})",
    "one of one request no more": "drop index {unique}",
}


AS_SUPERUSER = {
    "all triggers disabled, foreign keys too": f"alter table {DECISION} disable trigger all",
    "one foreign key disabled": "update pg_trigger set tgenabled = 'D' where tgrelid ="
    f" '{DECISION}'::regclass and tgisinternal and tgname ~ '_c_'",
    "a constraint that is not checked": "update pg_constraint set convalidated = false"
    " where conname = 'admin_audit_log_hash_seals'",
    "the log given away": f"alter table {LOG} owner to {embedded.SUPERUSER}",
    "a function given away": f"alter function {HASH} owner to {embedded.SUPERUSER}",
    "the site a superuser": f"alter role {SITE} superuser",
    "the site a member of the owner": f"grant {embedded.OWNER} to {SITE}",
    "the site sees hidden rows": f"alter role {SITE} bypassrls",
    "the site may play replica": f"grant set on parameter session_replication_role to {SITE}",
    "an owner who signs in": f"alter role {embedded.OWNER} login",
    "an event trigger": "create function public.aside() returns event_trigger language plpgsql as 'begin end';"
    " create event trigger aside on ddl_command_start execute function public.aside()",
}


class Undo(Exception):
    pass


@contextmanager
def undone():
    """The owner at work, with nothing of it left afterwards."""
    try:
        with transaction.atomic(using="owner"):
            yield connections["owner"].cursor()
            raise Undo
    except Undo:
        pass


def unique_index():
    return next(guard.split(" ")[2] for guard in guards.declared() if guard.startswith("index adjustments_"))


def drifts_after(mutation):
    with undone() as cursor:
        cursor.execute(mutation.format(unique=unique_index()) if "{unique}" in mutation else mutation)
        return list(guards.compared(guards.declared(), guards.found("owner")))


@pytest.fixture
def superuser():
    """In the owner's place the superuser of the tests' own cluster, who is not bound by any right at all."""
    if connections["owner"].settings_dict["USER"] != embedded.MIGRATOR:
        pytest.skip("the superuser of this cluster is not ours")
    owner, mighty = connections["owner"], connections["owner"].copy("owner")
    mighty.settings_dict |= {"USER": embedded.SUPERUSER, "PASSWORD": embedded.derived(embedded.SUPERUSER)}
    mighty.settings_dict["OPTIONS"] = {}  # acts as nobody else
    connections["owner"] = mighty
    yield
    mighty.close()
    connections["owner"] = owner


@pytest.fixture
def prove_guards(figure):
    def prove():
        assert not list(guards.compared(guards.declared(), guards.found("owner"))), "a drift before anything changed"
        unseen = [name for name, mutation in MUTATIONS.items() if not drifts_after(mutation)]
        figure(f"{len(MUTATIONS) - len(unseen)} of {len(MUTATIONS)} mutations of the guards seen")
        assert not unseen, f"not seen: {', '.join(unseen)}"

    return prove


@pytest.mark.proof("guards")
def test_each_mutation_of_a_guard_is_seen(prove_guards):
    prove_guards()


@pytest.mark.proof("guards as superuser")
def test_each_mutation_that_only_a_superuser_can_make_is_seen(superuser, figure):
    unseen = [name for name, mutation in AS_SUPERUSER.items() if not drifts_after(mutation)]

    figure(f"{len(AS_SUPERUSER) - len(unseen)} of {len(AS_SUPERUSER)} mutations seen")
    assert not unseen


@pytest.mark.sensitivity("guards")
@pytest.mark.parametrize(
    ("kind", "unseen"),
    [("trigger", "a trigger disabled"), ("function", "a guard that lets pass"), ("grant", "update granted")],
)
def test_a_kind_of_guard_that_is_not_compared_would_be_caught(planted, caught, prove_guards, kind, unseen):
    whole = guards.compared

    def without(expected, present):
        return (drift for drift in whole(expected, present) if not drift.guard.startswith(kind))

    planted.function(guards, "compared", without)
    with caught(f"no {kind} is compared", match=f"not seen: .*{unseen}"):
        prove_guards()
