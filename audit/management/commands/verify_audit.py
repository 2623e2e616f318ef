"""manage.py verify_audit: exit 0 when the audit log is intact, 1 when it is broken, 3 when it cannot be told."""

import json as as_json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils import timezone

from audit.inspection import examine
from audit.verifier.verify_audit_export import EXIT
from billingadmin.usage import Verb


class Command(Verb):
    requires_system_checks = []  # a room with a fault must not keep anybody from looking
    help = "Hash every entry of the audit log again and say whether it is intact (0), broken (1) or cannot be told (3)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object instead of a sentence")
        parser.add_argument(
            "--anchors",
            nargs="+",
            action="extend",
            type=Path,
            default=[],
            metavar="FILE",
            help="anchor files or saved mails to compare, beside the console's own anchor file",
        )
        parser.add_argument("--fast", action="store_true", help="let the database do it, in three statements")

    def handle(self, *, json: bool, anchors: list[Path], fast: bool, **options: Any) -> None:
        finding = examine(timezone.now(), files=anchors, fast=fast)
        self.stdout.write(as_json.dumps(finding.as_dict()) if json else finding.sentence())
        if code := EXIT[finding.verdict]:
            sys.exit(code)
