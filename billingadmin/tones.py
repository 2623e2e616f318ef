"""The tone and the word of every level, severity, state and role: one place, so that each looks the same everywhere.

The words themselves belong to the apps' own choices; a test holds the two to each other.
"""

from django.utils.translation import gettext_lazy as _

LEVELS = {
    "ok": _("ok"),
    "warning": _("warning"),
    "critical": _("critical"),
    "unknown": _("unknown"),
}
SEVERITIES = {
    "notice": _("notice"),
    "minor": _("minor"),
    "major": _("major"),
    "critical": _("critical"),
}
# Every state a row of ours can be in: its tone, its word.
STATES = {
    # decision and presence of an anomaly, verdict of a finding
    "open": ("info", _("open")),
    "snoozed": ("notice", _("snoozed")),
    "dismissed": ("notice", _("dismissed")),
    "settled": ("ok", _("settled")),
    "cleared": ("ok", _("cleared")),
    "seen": ("major", _("seen")),
    "absent": ("ok", _("absent")),
    "subject_gone": ("unknown", _("subject gone")),
    "not_checkable": ("unknown", _("not checkable")),
    "anomaly": ("major", _("anomaly")),
    "expected": ("notice", _("expected")),
    "cannot_tell": ("unknown", _("cannot tell")),
    # an adjustment
    "pending": ("info", _("pending")),
    "approved": ("ok", _("approved")),
    "applied": ("ok", _("applied")),
    "rejected": ("critical", _("rejected")),
    "withdrawn": ("notice", _("withdrawn")),
    "expired": ("notice", _("expired")),
    "cancelled": ("notice", _("cancelled")),
    "needs_attention": ("warning", _("needs attention")),
    "approve": ("ok", _("approved")),
    "reject": ("critical", _("rejected")),
    "retry": ("info", _("asked to try again")),
    "cancel": ("notice", _("asked to cancel")),
    "waiting": ("notice", _("not posted")),
    # a freeze
    "frozen": ("warning", _("frozen")),
    "lifted": ("ok", _("lifted")),
    # a flip of a switch
    "asked": ("info", _("asked for")),
    "under_way": ("info", _("under way")),
    "unknown": ("warning", _("unknown")),
    "left": ("warning", _("left as it was")),
    # the audit log and the guards
    "intact": ("ok", _("intact")),
    "held": ("ok", _("intact and anchored")),
    "unanchored": ("warning", _("intact, not anchored")),
    "broken": ("critical", _("broken")),
    "as_declared": ("ok", _("as declared")),
    "drifted": ("critical", _("drifted")),
    "weaker": ("warning", _("weaker")),
    # a run, an outcome
    "queued": ("notice", _("queued")),
    "running": ("info", _("running")),
    "done": ("ok", _("done")),
    "succeeded": ("ok", _("succeeded")),
    "failed": ("critical", _("failed")),
    "skipped": ("notice", _("skipped")),
    "refused": ("warning", _("refused")),
    "void": ("notice", _("void")),
    "posted": ("ok", _("posted")),
    # a call to an outside interface
    "intended": ("info", _("being sent")),
    "unsent": ("notice", _("not there")),
    # a letter
    "written": ("info", _("not sent yet")),
    "sent": ("ok", _("sent")),
    "kept": ("unknown", _("not sent: no mail server")),
    # a person, a change to one
    "confirmed": ("ok", _("confirmed")),
    "active": ("ok", _("active")),
    "inactive": ("notice", _("inactive")),
}
ROLES = {
    "support": _("support"),
    "approver": _("approver"),
    "manager": _("manager"),
    "auditor": _("auditor"),
    "admin": _("admin"),
}
