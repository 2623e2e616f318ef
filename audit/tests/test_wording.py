"""Every action that the code or a trigger records is told in words of its own."""

import re

from django.conf import settings

from accounts.models import State as ChangeState
from adjustments.states import Outcome, State, Verdict
from adjustments.switches.models import FlipState, Opinion
from audit.wording import ACTIONS, DETECTED, words

SAID = re.compile(
    r"""\b(?:action_type|action)=["']([a-z_]+)["']|announce\(["']([a-z_]+)["']|_record\(\s*["']([a-z_]+)["']"""
)
ROW = re.compile(r"after (?P<when>[\w ,]+?) on (?P<of>[\w.]+)[^;]{0,300}?record_row\('(?P<prefix>\w+)'")
IN_SQL = re.compile(r"admin_audit_log_acted\(\s*'([a-z_]+)',")
# A command's option, a rehearsal that is rolled back, and what a source's own log is told.
NOT_OURS = {"store_true", "audit_rehearsed", "percoin_deduction"}
VERBS = {"insert": "added", "update": "changed", "delete": "removed"}
WORKED_OUT = {
    *(f"adjustment_line_{outcome}" for outcome in Outcome),
    *(f"adjustment_{state}" for state in State if state not in (State.PENDING, State.NEEDS_ATTENTION)),
    *("adjustment_proposed", "adjustment_edited", "adjustment_retried", "adjustment_stopped", "adjustment_reversed"),
    *("adjustment_approval_given", "adjustment_rejection_given", "adjustment_decision"),
    *(f"adjustment_{verdict}_asked" for verdict in (Verdict.RETRY, Verdict.CANCEL)),
    *(f"switch_flip_{state}" for state in FlipState),
    *(f"switch_review_{opinion}" for opinion in Opinion),
    *(f"thaw_{state}" for state in ("asked", "confirmed", "refused", "withdrawn")),
    *("freeze_set", "freeze_lifted", "signed_in", "sign_in_failed", "sign_in_locked"),
    *(
        f"{what}_{'requested' if state == ChangeState.PENDING else state}"
        for what in ("person_admission", "person_disabling", "person_enabling", "role_grant", "role_revocation")
        for state in ChangeState
    ),
}


def files(ending):
    """The code's own files, in the folders that are ours."""
    for folder in {app.partition(".")[0] for app in settings.INSTALLED_APPS} | {"systems", "billingadmin"}:
        for file in (settings.BASE_DIR / folder).rglob(f"*{ending}"):
            if not {"tests", "demo"} & set(file.parts) and "schema" not in file.name:
                yield file.read_text(encoding="utf-8")


def recorded():
    found = set(WORKED_OUT)
    for text in files(".py"):
        found |= {code for codes in SAID.findall(text) for code in codes if code and "_" in code}
    for text in files(".sql"):
        found |= set(IN_SQL.findall(text))
        for row in ROW.finditer(text):
            found |= {f"{row['prefix']}_{VERBS[verb]}" for verb in re.findall("insert|update|delete", row["when"])}
    return found


def test_all_that_is_recorded_has_its_words():
    assert {code for code in recorded() if code not in ACTIONS and not code.endswith(DETECTED)} <= NOT_OURS


def test_the_search_finds_what_code_and_triggers_record():
    assert {
        "anomaly_unmasked",
        "reconciliation_found",
        "role_removed",
        "policy_rule_added",
        "person_changed",
    } <= recorded()


def test_a_detection_names_its_system():
    assert words("imagegen_billing_anomaly_detected") == "Imagegen billing anomaly detected"
