"""The log's codes in the reader's words. A code that is not here is told as it is written."""

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

DETECTED = "_billing_anomaly_detected"  # each system's own entry of detection ends in this

ACTIONS = {
    "adjustment_approval_given": _("Approval given"),
    "adjustment_applied": _("Adjustment applied"),
    "adjustment_approved": _("Adjustment approved"),
    "adjustment_cancel_asked": _("Adjustment cancel asked"),
    "adjustment_cancelled": _("Adjustment cancelled"),
    "adjustment_decision": _("Adjustment decision"),
    "adjustment_edited": _("Adjustment edited"),
    "adjustment_expired": _("Adjustment expired"),
    "adjustment_line_posted": _("Adjustment line posted"),
    "adjustment_line_refused": _("Adjustment line refused"),
    "adjustment_line_void": _("Adjustment line voided"),
    "adjustment_proposed": _("Adjustment proposed"),
    "adjustment_rejected": _("Adjustment rejected"),
    "adjustment_rejection_given": _("Rejection given"),
    "adjustment_retried": _("Adjustment released again"),
    "adjustment_retry_asked": _("Adjustment retry asked"),
    "adjustment_reversed": _("Adjustment reversed"),
    "adjustment_stopped": _("Adjustment stopped"),
    "adjustment_withdrawn": _("Adjustment withdrawn"),
    "anomaly_claimed": _("Anomaly claimed"),
    "anomaly_dismissed": _("Anomaly dismissed"),
    "anomaly_noted": _("Anomaly noted"),
    "anomaly_released": _("Anomaly released"),
    "anomaly_reopened": _("Anomaly reopened"),
    "anomaly_settled": _("Anomaly settled"),
    "anomaly_snoozed": _("Anomaly snoozed"),
    "anomaly_step_ticked": _("Anomaly step ticked"),
    "anomaly_step_unticked": _("Anomaly step unticked"),
    "anomaly_unmasked": _("Anomaly unmasked"),
    "audit_log_exported": _("Audit log exported"),
    "audit_log_verified": _("Audit log verified"),
    "freeze_lifted": _("Freeze lifted"),
    "freeze_set": _("Freeze set"),
    "job_run_requested": _("Job run requested"),
    "logs_imported": _("Log lines imported"),
    "password_changed": _("Password changed"),
    "person_admission_confirmed": _("Person admission confirmed"),
    "person_admission_refused": _("Person admission refused"),
    "person_admission_requested": _("Person admission requested"),
    "person_admission_withdrawn": _("Person admission withdrawn"),
    "person_disabling_confirmed": _("Person disabling confirmed"),
    "person_disabling_refused": _("Person disabling refused"),
    "person_disabling_requested": _("Person disabling requested"),
    "person_disabling_withdrawn": _("Person disabling withdrawn"),
    "person_enabling_confirmed": _("Person enabling confirmed"),
    "person_enabling_refused": _("Person enabling refused"),
    "person_enabling_requested": _("Person enabling requested"),
    "person_enabling_withdrawn": _("Person enabling withdrawn"),
    "person_added": _("Person added"),
    "person_changed": _("Person changed"),
    "person_founded": _("Person founded"),
    "policy_change_added": _("Change of policy asked for"),
    "policy_change_changed": _("Change of policy decided"),
    "policy_rule_added": _("Policy rule began"),
    "policy_rule_changed": _("Policy rule ended"),
    "probe_requested": _("Probe requested"),
    "role_added": _("Role added"),
    "role_changed": _("Role changed"),
    "role_removed": _("Role removed"),
    "role_grant_confirmed": _("Role grant confirmed"),
    "role_grant_refused": _("Role grant refused"),
    "role_grant_requested": _("Role grant requested"),
    "role_grant_withdrawn": _("Role grant withdrawn"),
    "role_revocation_confirmed": _("Role revocation confirmed"),
    "role_revocation_refused": _("Role revocation refused"),
    "role_revocation_requested": _("Role revocation requested"),
    "role_revocation_withdrawn": _("Role revocation withdrawn"),
    "runbook_functions_installed": _("Runbook functions installed"),
    "runbook_functions_uninstalled": _("Runbook functions uninstalled"),
    "sign_in_failed": _("Sign-in failed"),
    "sign_in_locked": _("Sign-in locked"),
    "signed_in": _("Signed in"),
    "source_preparation_begun": _("Source preparation begun"),
    "source_prepared": _("Source prepared"),
    "step_up_refused": _("Proof of who decides refused"),
    "subject_unmasked": _("Subject unmasked"),
    "switch_flip_asked": _("Switch flip asked"),
    "switch_flip_done": _("Switch flip done"),
    "switch_flip_failed": _("Switch flip failed"),
    "switch_flip_left": _("Switch left as it was"),
    "switch_flip_under_way": _("Switch flip under way"),
    "switch_flip_unknown": _("Switch flip unknown"),
    "switch_review_confirm": _("Switch flip confirmed"),
    "switch_review_object": _("Switch flip objected to"),
    "task_retry_requested": _("Task retry requested"),
    "thaw_asked": _("Thaw asked"),
    "thaw_confirmed": _("Thaw confirmed"),
    "thaw_refused": _("Thaw refused"),
    "thaw_withdrawn": _("Thaw withdrawn"),
}
TARGETS = {
    "adjustment": _("Adjustment"),
    "anomaly": _("Anomaly"),
    "freeze": _("Freeze"),
    "job": _("Job"),
    "person": _("Person"),
    "policy_change": _("Change of policy"),
    "policy_rule": _("Policy rule"),
    "subject": _("Subject"),
    "switch": _("Switch"),
    "system": _("System"),
}
OUTCOMES = {
    "broken": _("Broken"),
    "cannot_tell": _("Cannot tell"),
    "done": _("Done"),
    "failed": _("Failed"),
    "intact": _("Intact"),
    "refused": _("Refused"),
}
COLUMNS = {
    "active": _("Active"),
    "decision": _("Decision"),
    "email": _("E-mail"),
    "name": _("Name"),
    "note": _("Note"),
    "owner": _("Owner"),
    "reason": _("Reason"),
    "roles": _("Roles"),
    "settled_by": _("Settled by"),
    "state": _("State"),
    "step": _("Step"),
}
WORDS = ACTIONS | TARGETS | OUTCOMES | COLUMNS


def words(code: str) -> str:
    """role_grant_confirmed: Role grant confirmed."""
    if code in WORDS:
        return str(WORDS[code])
    if code.endswith(DETECTED):
        return gettext("%(system)s billing anomaly detected") % {"system": _plain(code.removesuffix(DETECTED))}
    return _plain(code)


def _plain(code: str) -> str:
    text = code.replace("_", " ").replace(".", " ")
    return text[:1].upper() + text[1:]
