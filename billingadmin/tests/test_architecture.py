"""The house keeps its shape: arrows run one way, rooms are strangers to each other, and every room has every file."""

import ast
import re

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from billingadmin.tests.imports import LEAVES, ROOT, imported, modules
from systems import registry

# Each app may import these of ours, and the leaves; nothing else. Wiring (the rest of billingadmin) may import any.
ARROWS = {
    "audit": set(),
    "accounts": {"audit"},
    "jobs": {"audit"},
    "systems": set(),
    "anomalies": {"systems", "jobs", "audit"},
    "health": {"systems", "jobs", "audit"},
    "adjustments": {"anomalies", "systems", "jobs", "audit"},
}
ROOM_FILES = (
    *("system.py", "schema.sql", "models.py", "source.sql", "source.py", "rules.py", "timeline.py", "corrections.py"),
    *("probes.py", "runbook.py", "pages.py", "demo.py", "factories.py", "tests", "templates"),
)
ROOMS = [entry for entry in registry.settings.BILLING_SYSTEMS if "." not in entry]
MODULES = list(modules())


def room_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "systems" and len(parts) > 1 and parts[1] in ROOMS else None


def leaf(target: str) -> bool:
    return any(target == name or target.startswith(f"{name}.") for name in LEAVES) or target == "billingadmin"


@pytest.mark.parametrize("app", ARROWS)
def test_arrows_run_one_way(app):
    wrong = [
        f"{name} imports {target}"
        for name, path in MODULES
        for target in imported(name, path)
        if name.split(".")[0] == app and not room_of(name)
        if target.split(".")[0] not in ARROWS[app] | {app} and not leaf(target)
    ]

    assert not wrong


def test_a_leaf_imports_nothing_of_ours():
    wrong = [(name, target) for name, path in MODULES if name in LEAVES for target in imported(name, path)]

    assert not [pair for pair in wrong if not leaf(pair[1])]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_the_contract_and_the_leaves_only(room):
    allowed = (f"systems.{room}", "systems.base")
    wrong = [
        f"{name} imports {target}"
        for name, path in MODULES
        for target in imported(name, path)
        if room_of(name) == room and not leaf(target) and target != "systems"
        if not any(target == one or target.startswith(f"{one}.") for one in allowed)
    ]

    assert not wrong


def test_nobody_outside_a_room_imports_it():
    wrong = [
        f"{name} imports {target}"
        for name, path in MODULES
        for target in imported(name, path)
        if room_of(target) and room_of(target) != room_of(name)
    ]

    assert not wrong


@pytest.mark.parametrize("room", ROOMS)
def test_no_engine_and_no_engine_template_names_a_room(room):
    files = [path for name, path in MODULES if name.split(".")[0] in ARROWS and not room_of(name)]
    files += (ROOT / "templates").rglob("*.html")

    assert not [path for path in files if re.search(rf"\b{room}\b", path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_has_every_file(room):
    folder = ROOT / "systems" / room

    assert not [name for name in ROOM_FILES if not (folder / name).exists()]
    assert (folder / "templates" / room).is_dir()


@pytest.mark.parametrize("room", ROOMS)
def test_every_rule_correction_and_probe_is_mentioned_by_a_test(room):
    system = registry.get(room)
    tests = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "systems" / room / "tests").glob("test_*.py")
    )
    codes = [offered.code for offered in (*system.rules, *system.corrections, *system.probes)]

    assert codes
    assert not [code for code in codes if not re.search(rf"\b{code}\b", tests)]


def patterns(resolver: URLResolver, prefix: str = "") -> list[tuple[str, URLPattern]]:
    found = []
    for entry in resolver.url_patterns:
        route = f"{prefix}{entry.pattern}"
        found += patterns(entry, route) if isinstance(entry, URLResolver) else [(route, entry)]
    return found


def test_every_view_names_its_audience():
    from accounts.middleware import audience_of

    silent = [route for route, pattern in patterns(get_resolver()) if not audience_of(pattern.callback)]

    assert not silent


def test_no_module_is_named_after_a_layer():
    layers = {"utils", "helpers", "services", "common", "misc", "managers", "selectors"}

    assert not [name for name, path in modules(tests=True) if layers & set(name.split("."))]


def test_sql_stands_in_sql_files():
    asks = re.compile(
        r"(?is)\s*(with\b.+\bas\b\s*\(|select\b.+\bfrom\b|insert\s+into\b|update\s+\w+\s+set\b|delete\s+from\b)"
    )
    texts = [
        (name, node.value)
        for name, path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and ".migrations." not in name
    ]

    assert not [(name, text) for name, text in texts if asks.match(text)]
