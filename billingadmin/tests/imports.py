"""Who imports whom, read from the code itself. Relative imports are resolved: they cross borders like any other."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("accounts", "audit", "jobs", "anomalies", "adjustments", "health", "systems", "billingadmin")
LEAVES = {
    f"billingadmin.{name}"
    for name in (
        *("http", "amounts", "sql", "charts", "audience", "masking", "paging", "request_log", "retelling"),
        *("templatetags", "durability", "texts", "tones", "usage"),
    )
}


def modules(*, tests: bool = False) -> Iterator[tuple[str, Path]]:
    """Every module of ours by dotted name; tests (and what only tests use) are left out unless asked for."""
    for app in OURS:
        for path in sorted((ROOT / app).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            if tests or not ({"tests", "factories"} & set(parts)):
                yield name, path


def imported(name: str, path: Path) -> set[str]:
    """The dotted names a module imports; ``from a import b`` counts as both ``a`` and ``a.b``."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return {target for target in found if target.split(".")[0] in OURS}


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    above = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])
