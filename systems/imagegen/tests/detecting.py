"""What detection, or a judge of one subject, finds in the source as it stands."""

from systems import facts
from systems.imagegen.system import SYSTEM
from systems.imagegen.tests.conftest import NOW
from systems.reading import reading


def findings(since=None, until=None, rules=None):
    """Every finding of a window, or of all history, in no order."""
    window = facts.Window(since=since, until=until)
    with reading(SYSTEM, now=NOW) as source:
        found = [finding for of in SYSTEM.facts for finding in facts.findings(SYSTEM, source, of, window)]
    return [finding for finding in found if rules is None or finding.rule in rules]


def found(**window):
    """(rule, subject) of every finding."""
    return {(finding.rule, finding.subject) for finding in findings(**window)}


def only(rule, **window):
    """The one finding of ``rule``."""
    (finding,) = findings(rules={rule}, **window)
    return finding
