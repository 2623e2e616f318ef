"""The declared manifest is what a fresh migration makes. WRITE_GUARDS=1 writes it anew."""

import os

import pytest

from audit import guards

pytestmark = pytest.mark.django_db


def test_the_manifest_is_what_a_fresh_migration_makes():
    found = guards.found()
    if os.environ.get("WRITE_GUARDS"):
        guards.MANIFEST.write_text(guards.text(found), encoding="utf-8")

    drifts = list(guards.compared(guards.declared(), found))

    told = "\n".join(f"  {one.guard}: declared {one.declared}, found {one.found}" for one in drifts)
    assert not drifts, f"the guards changed; if that was meant, run: {guards.REGENERATE}\n{told}"


def test_the_manifest_holds_every_kind_of_guard():
    kinds = {guard.split(" ")[0] for guard in guards.declared()}

    assert kinds >= {"table", "columns", "grant", "trigger", "constraint", "index", "function", "schema", "role"}


def test_the_owner_of_the_tables_cannot_sign_in_and_the_site_is_nobody_special():
    assert guards.declared()["role owner"] == "cannot sign in"
    assert guards.declared()["role site"] == "signs in member of nothing"


def test_all_guards_stand_as_declared():
    standing = guards.standing()

    assert not standing.drifts
    assert not standing.weaker
    assert standing.count > 100


def test_where_the_site_is_the_owner_the_rest_is_still_compared(settings, monkeypatch):
    monkeypatch.setattr(guards, "site_is_owner", lambda: True)

    standing = guards.standing()

    assert standing.weaker
    assert not standing.drifts
