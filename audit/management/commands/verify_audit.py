"""manage.py verify_audit [--json]: exit 0 when the audit log is intact, 1 when it is broken, 3 when it cannot tell."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from audit.verification import Finding, Verdict, verify
from billingadmin.usage import Verb

EXIT = {Verdict.INTACT: 0, Verdict.BROKEN: 1, Verdict.CANNOT_TELL: 3}


class Command(Verb):
    requires_system_checks = []  # a room with a fault must not keep anybody from looking
    help = "Hash every entry of the audit log again and say whether it is intact (0), broken (1) or cannot be told (3)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object instead of a sentence")

    def handle(self, *, json: bool, **options: Any) -> None:
        finding = verify()
        self.stdout.write(as_json(finding) if json else sentence(finding))
        if code := EXIT[finding.verdict]:
            sys.exit(code)


def as_json(finding: Finding) -> str:
    return json.dumps(finding.as_dict())


def sentence(finding: Finding) -> str:
    if finding.verdict == Verdict.INTACT:
        return f"Intact: {finding.entries:,} entries, head {finding.position} {finding.hash}."
    if finding.verdict == Verdict.BROKEN:
        before = f"{finding.entries:,} entries before it are intact"
        return f"Broken at position {finding.position} ({finding.fault}): {finding.why} {before}."
    return f"Cannot tell. {finding.why}"
