"""The tests' databases: real ones, with real migrations and production's grants.

The site's role works in ``default``; ``owner`` migrates, in the same database. A room's reader and writer are one
connection here, so that rows a factory made, not yet committed, are seen by whoever reads the source.
"""

import fcntl
import os
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from django.utils import timezone, translation
from psycopg import sql

from billingadmin.databases import slug_of
from billingadmin.postgres import embedded

pytest_plugins = ["billingadmin.tests.browsing"]

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright runs a loop in the test's thread

DATABASE_FIXTURES = {"db", "transactional_db", "django_db_reset_sequences", "live_server"}
# The audit log's guard acts for replicas too, so it is taken away for the moment and put back as it was.
LOG_GUARD = "alter table admin_audit_log {} trigger admin_audit_log_no_truncate"
OPEN_GUARDS = ["set local session_replication_role = replica", LOG_GUARD.format("disable")]
CLOSE_GUARDS = [LOG_GUARD.format("enable always"), "select adjustments_found_policy()"]  # a rule is always there
UNMANAGED = ("procrastinate_jobs", "procrastinate_workers", "billingadmin_cache")
NO_BROWSER = "no browser: run “sudo apt-get install -y chromium”, or set CHROME_BIN"


def pytest_configure(config):
    """One run of a checkout's tests at a time: a second would take the first one's databases away."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        lock = open(embedded.data_folder() / "test" / "run.lock", "w")  # noqa: SIM115  (held while this process lives)
        config.add_cleanup(lock.close)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another run of the tests in this checkout …", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)


def pytest_collection_modifyitems(items):
    """Every test may use every database: forbidding one alias would forbid the connection it shares with another."""
    for item in items:
        marker = item.get_closest_marker("django_db")
        if marker or DATABASE_FIXTURES & set(item.fixturenames):
            options = {"transaction": "live_server" in item.fixturenames, **(marker.kwargs if marker else {})}
            item.add_marker(pytest.mark.django_db(**{**options, "databases": "__all__"}), append=False)
        if "browser" in item.fixturenames:
            item.add_marker("browser")
    # Last, since the browser's event loop goes on running in the thread of all tests after it.
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


# Databases -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """After Django has made the test databases: the sources' tables, and one connection for a room's two aliases."""
    with django_db_blocker.unblock():
        for entry in settings.BILLING_SYSTEMS:
            _load_source(entry)
    yield
    connections["default"].close()  # Django does not close mirrors, and could not drop the database


def _load_source(entry):
    slug = slug_of(entry)
    package = import_module(entry if "." in entry else f"systems.{entry}")
    schema = Path(package.__file__).with_name("schema.sql")
    writer = connections[f"{slug}_writer"]
    if schema.exists():
        _run_script(writer, schema.read_text(encoding="utf-8"))
    connections[slug] = writer


def _run_script(connection, text):
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        connection.connection.executescript(text)
        return
    reader = sql.Identifier(f"{connection.alias.removesuffix('_writer')}_reader")
    with connection.cursor() as cursor:
        cursor.execute(text)
        cursor.execute(sql.SQL("grant select on all tables in schema public to {}").format(reader))


@pytest.fixture(autouse=True)
def empty_sources(request):
    """Django's flush knows nothing of tables it does not manage: what a committing test left there is removed."""
    yield
    marker = request.node.get_closest_marker("django_db")
    if marker and marker.kwargs.get("transaction"):
        request.getfixturevalue("django_db_blocker")
        for entry in settings.BILLING_SYSTEMS:
            _empty(connections[f"{slug_of(entry)}_writer"])
        with connections["owner"].cursor() as cursor:
            cursor.execute(f"truncate {', '.join(UNMANAGED)} restart identity cascade")


def _empty(connection):
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        if connection.vendor == "sqlite":
            for table in tables:
                cursor.execute(f"delete from {connection.ops.quote_name(table)}")
        elif tables:
            names = ", ".join(map(connection.ops.quote_name, tables))
            cursor.execute(f"truncate {names} restart identity cascade")


@pytest.fixture(scope="session", autouse=True)
def flush_past_guards():
    """Between committing tests Django truncates, also what a trigger keeps from it. Only the tests' owner may do this:
    the right to set the parameter is granted in the tests' cluster alone."""
    from django.db.backends.postgresql.operations import DatabaseOperations

    flush = DatabaseOperations.sql_flush

    def past_guards(self, *arguments, **options):
        statements = flush(self, *arguments, **options)
        return [*OPEN_GUARDS, *statements, *CLOSE_GUARDS] if statements else []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", past_guards)
        yield


@pytest.fixture
def run_deferred(db):
    """Lets the deferred triggers act now, as they would at the commit: call it before reading what they wrote."""

    def run(alias="default"):
        with connections[alias].cursor() as cursor:
            cursor.execute("set constraints all immediate")
            cursor.execute("set constraints all deferred")

    return run


# The browser ---------------------------------------------------------------------------------------------------------


def pytest_runtest_setup(item):
    if item.get_closest_marker("browser") and not os.environ.get("CHROME_BIN"):
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(NO_BROWSER)
        pytest.skip(NO_BROWSER)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    quiet = ["background-networking", "component-update", "sync", "gpu"]
    arguments = [f"--disable-{name}" for name in quiet]
    return {
        **browser_type_launch_args,
        "executable_path": os.environ["CHROME_BIN"],
        "args": [*arguments, "--no-first-run"],
    }


@pytest.fixture(autouse=True)
def speak_english_again():
    """A request leaves its reader's language and zone set: the next test begins without them."""
    yield
    translation.activate(settings.LANGUAGE_CODE)
    timezone.deactivate()


# The cast ------------------------------------------------------------------------------------------------------------

CAST_SINCE = datetime(2026, 1, 5, 9, tzinfo=UTC)


def _cast(part):
    @pytest.fixture(name=part)
    def person(db):
        from accounts import demo
        from accounts.models import Person

        joined = demo.join(part, CAST_SINCE)
        Person.objects.filter(pk=joined.pk).update(language="en", zone="UTC")  # what tests expect to read
        return Person.objects.get(pk=joined.pk)

    @pytest.fixture(name=f"{part}_client")
    def client(request):
        client = Client()
        client.force_login(request.getfixturevalue(part))
        return client

    return person, client


support, support_client = _cast("support")
approver, approver_client = _cast("approver")
second_approver, second_approver_client = _cast("second_approver")
manager, manager_client = _cast("manager")
auditor, auditor_client = _cast("auditor")
admin, admin_client = _cast("admin")
second_admin, second_admin_client = _cast("second_admin")
