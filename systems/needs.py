"""What the console needs of a source, and what of it is missing: tables, columns, rights, whole rows, indexes.

Each shortfall comes with the statement that mends it, for the source's owner to run; none of them is run here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.apps import apps
from django.db import connections
from django.db.models import Model
from django.utils.translation import gettext as _

from billingadmin.sql import statement
from systems import registry
from systems.base import System
from systems.reading import Questions

CATALOGUE = Path(__file__).with_name("catalogue.sql")


@dataclass(frozen=True, kw_only=True)
class Shortfall:
    """``grave``: something will not work. Otherwise it works, at the cost that ``what`` names."""

    grave: bool
    what: str
    remedy: str


def shortfalls(system: System, source: Questions) -> Iterator[Shortfall]:
    vendor = source.connection.vendor
    columns = source.run(statement(CATALOGUE, f"columns_{vendor}"), {})
    role = source.run(statement(CATALOGUE, "role"), {})[0]["role"] if vendor == "postgresql" else ""
    for model in tables(system):
        yield from missing_columns(model, [row for row in columns if row["table_name"] == model._meta.db_table], role)
    indexes = source.run(statement(CATALOGUE, f"indexes_{vendor}"), {})
    yield from missing_indexes(system, {row["index_name"]: bool(row["is_valid"]) for row in indexes})


def tables(system: System) -> list[type[Model]]:
    """The room's unmanaged models: the tables and columns that its questions use."""
    package = registry.package(system.slug)
    config = next(config for config in apps.get_app_configs() if config.name == package)
    return list(config.get_models())


def missing_columns(model: type[Model], found: list[dict], role: str) -> Iterator[Shortfall]:
    table = model._meta.db_table
    if not found:
        yield Shortfall(
            grave=True,
            what=_("There is no table %s, or it is not on the search path.") % table,
            remedy=_("alter role %(role)s set search_path = …;  -- the schema that holds %(table)s")
            % {"role": role or "…", "table": table},
        )
        return
    present = {row["column_name"]: row for row in found}
    for field in model._meta.concrete_fields:
        if field.column not in present:
            kind = field.db_type(connections["default"])
            remedy = f"alter table {table} add column {field.column} {kind};"
            yield Shortfall(grave=True, what=_("%s has no column %s.") % (table, field.column), remedy=remedy)
    unreadable = sorted(row["column_name"] for row in found if not row["readable"])
    if unreadable:
        what = _("%s may not read %s of %s.") % (role, ", ".join(unreadable), table)
        yield Shortfall(grave=True, what=what, remedy=f"grant select on {table} to {role};")
    if any(row["hides_rows"] for row in found):
        what = _("A row policy may hide rows of %s from %s; a healthy zero could be a hidden one.") % (table, role)
        yield Shortfall(grave=True, what=what, remedy=f"alter role {role} bypassrls;")


def missing_indexes(system: System, found: dict[str, bool]) -> Iterator[Shortfall]:
    for index in system.indexes:
        if index.name not in found:
            what = _("The index %s is missing.") % index.name
            yield Shortfall(grave=False, what=f"{what} {index.cost}", remedy=f"{index.statement};")
        elif not found[index.name]:
            what = _("The index %s is invalid: its building failed half-way.") % index.name
            remedy = f"drop index {index.name}; {index.statement};"
            yield Shortfall(grave=False, what=f"{what} {index.cost}", remedy=remedy)
