"""The demo: believable sources, the cast, and everything the console would have done with them by now.

Each step looks whether it is done already, so that a build that was interrupted goes on where it stopped.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from importlib import import_module
from io import StringIO
from pathlib import Path
from time import monotonic

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.demo import Member, build_cast
from adjustments.demo import build as build_adjustments
from anomalies.detection import detect
from anomalies.logs import import_lines
from anomalies.models import DetectionRun
from audit.log import SYSTEM_ACTOR
from billingadmin.postgres import embedded
from health import probing
from health.models import Reading
from jobs.registry import Job
from systems import registry
from systems.base import System
from systems.reading import is_connected

SEED = 20261102

Say = Callable[[str], None]
Progress = Callable[[str, int, int], None]


def build(now: datetime, *, say: Say, progress: Progress) -> None:
    """Builds what is missing of the demo, and keeps its sign-ins for whoever starts the server."""
    systems = demo_systems()
    for system in systems:
        with timed(_("The source of %s") % system.label, say):
            build_source(system, now)
    with timed(_("The cast"), say):
        cast = build_cast(now)
    for system in systems:
        with timed(_("Detection over all history of %s") % system.label, say):
            look_back(system, now, progress)
    with timed(_("A week of adjustments"), say):
        build_adjustments(now, {member.email: member.password for member in cast})
    for system in systems:
        with timed(_("The readings of %s") % system.label, say):
            take_readings(system, now)
    embedded.keep_sign_ins(sign_ins(cast))


def sign_ins(cast: Sequence[Member]) -> str:
    width = max(len(member.email) for member in cast)
    lines = [f"  {member.email:<{width}}  {member.password:<18}  {member.role.label}" for member in cast]
    codes = _("Approvers and admins are asked for a code, too: %s tells the current ones.") % "/accounts/demo-codes/"
    return "\n".join([_("Sign in to the demo as:"), *lines, codes])


def demo_systems() -> list[System]:
    """The systems whose source is ours to fill."""
    return [system for system in registry.all_systems() if system.demo and is_connected(f"{system.slug}_writer")]


@contextmanager
def timed(what: str, say: Say) -> Iterator[None]:
    begun = monotonic()
    yield
    say(f"  {what} ({monotonic() - begun:.1f} s)")


# Sources -------------------------------------------------------------------------------------------------------------


def build_source(system: System, now: datetime) -> None:
    """The tables as found, what the console needs beside them, and the story; nothing when there are rows already."""
    writer = connections[f"{system.slug}_writer"]
    models = list(apps.get_app_config(system.slug).get_models())
    if not _has_tables(writer, models):
        _make_tables(system, writer)
    if any(model.objects.using(writer.alias).exists() for model in models):
        return
    call_command("prepare_source", system.slug, apply=True, stdout=StringIO())
    if system.demo.log_lines:
        import_lines(system, (line.encode() for line in system.demo.log_lines(SEED, now)))
    with transaction.atomic(using=writer.alias), writer.cursor() as cursor:
        system.demo.build(cursor, now, SEED)
    with writer.cursor() as cursor:
        cursor.execute("analyze")


def _has_tables(connection: BaseDatabaseWrapper, models: Sequence[type[Model]]) -> bool:
    with connection.cursor() as cursor:
        return {model._meta.db_table for model in models} <= set(connection.introspection.table_names(cursor))


def _make_tables(system: System, connection: BaseDatabaseWrapper) -> None:
    package = import_module(registry.package(system.slug))
    text = Path(package.__file__).with_name("schema.sql").read_text(encoding="utf-8")
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        connection.connection.executescript(text)
        return
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(text)


# The console ---------------------------------------------------------------------------------------------------------


def look_back(system: System, now: datetime, progress: Progress) -> None:
    if not DetectionRun.objects.filter(system=system.slug).exists():
        detect(system, now=now, whole=True, actor=SYSTEM_ACTOR, progress=progress)


def take_readings(system: System, now: datetime) -> None:
    if not Reading.objects.filter(system=system.slug).exists():
        probing.probe(system, now)


# Life ----------------------------------------------------------------------------------------------------------------


def live(now: datetime) -> str:
    """A little life in every source: what came since the last time."""
    systems = demo_systems()
    for system in systems:
        alias = f"{system.slug}_writer"
        with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
            system.demo.tick(cursor, now)
    count = len(systems)
    return ngettext("Life went on in %(count)d source.", "Life went on in %(count)d sources.", count) % {"count": count}


def jobs() -> tuple[Job, ...]:
    if not settings.DEMO:
        return ()
    what = gettext_lazy("Adds a minute of life to the demo's sources, so that what is fresh is fresh.")
    return (Job("demo_life", "* * * * *", live, what),)
