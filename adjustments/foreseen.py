"""What the preview found that the rules would stop, begin and go on finding, as the page of a request tells it."""

from collections.abc import Sequence
from typing import Any

from adjustments.models import Adjustment, Preview
from adjustments.wording import rule_title

Found = dict[str, Any]


def foreseen(adjustment: Adjustment, preview: Preview | None, *, is_gathered: bool) -> dict[str, list[Found]]:
    """A rule may go on with other transactions of the subject. Gathered, each rule is told once, with its sum."""
    stops, begins = (_findings(adjustment, preview, which) for which in ("stops", "begins"))
    both = {_same(one) for one in stops} & {_same(one) for one in begins}
    told = {
        "stops": [one for one in stops if _same(one) not in both],
        "begins": [one for one in begins if _same(one) not in both],
        "goes_on": [one for one in begins if _same(one) in both],
    }
    return {which: _gathered(found) for which, found in told.items()} if is_gathered else told


def _findings(adjustment: Adjustment, preview: Preview | None, which: str) -> list[Found]:
    found = preview.answer.get(which, []) if preview else []
    return [
        {**one, "title": rule_title(adjustment.system, one["rule"]), "at_stake": _at_stake(one), "count": 1}
        for one in found
    ]


def _gathered(findings: Sequence[Found]) -> list[Found]:
    rules: dict[Any, Found] = {}
    for one in findings:
        alike = one["rule"], one["severity"], one["unit"], one["at_stake"] is None
        if alike in rules:
            rules[alike]["count"] += 1
            rules[alike]["at_stake"] = None if alike[-1] else rules[alike]["at_stake"] + one["at_stake"]
        else:
            rules[alike] = dict(one)
    return list(rules.values())


def _at_stake(finding: Found) -> int | None:
    """Without its sign: beside what is posted, the sign of what is missing would read like a posting of its own."""
    return None if finding["amount"] is None else abs(finding["amount"])


def _same(finding: Found) -> tuple[str, str]:
    return finding["rule"], finding["subject"]
