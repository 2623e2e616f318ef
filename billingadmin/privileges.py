"""What the site's login role may do with the tables, which belong to another role: applied after each migrate.

A model whose rows must last says so beside its fields::

    class Entry(models.Model):
        site_privileges = ("SELECT",)  # rows are added by append_entry() alone

A model that says nothing is an ordinary table. Where the site logs in as the owner there is nothing to grant.
"""

from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import connections, models, transaction
from psycopg import sql

from billingadmin.sql import statement

MANIFEST = Path(__file__).with_name("privileges.sql")


def declared() -> Iterator[tuple[type[models.Model], tuple[str, ...]]]:
    """The tables that do not allow everything, with what they allow."""
    for model in apps.get_models(include_auto_created=True):
        if privileges := getattr(model, "site_privileges", None):
            yield model, tuple(privileges)


def site_role() -> str | None:
    """The role the site logs in as, if that is another than the one that migrates."""
    site, owner = (settings.DATABASES[alias]["USER"] for alias in ("default", "owner"))
    return site if site != owner else None


def apply() -> None:
    """Brings the rights to what is declared, at one stroke for whoever is using them. Safe to repeat."""
    if role := site_role():
        with transaction.atomic(using="owner"):
            _grant(sql.Identifier(role))


def _grant(site: sql.Identifier) -> None:
    for name in ("take_all", "grant_ordinary", "grant_functions", "migrations_are_the_owners"):
        _run(name, site=site)
    for model, privileges in declared():
        table = sql.Identifier(model._meta.db_table)
        _run("take_table", site=site, table=table)
        _run("grant_table", site=site, table=table, privileges=sql.SQL(", ".join(privileges)))


def _run(name: str, **parts: sql.Composable) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(sql.SQL(statement(MANIFEST, name)).format(**parts))
