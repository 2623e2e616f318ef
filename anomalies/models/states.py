"""The words for where an anomaly stands.

It has two axes. *Presence* comes from checks of the source, *decision* from people (or from an applied adjustment).
The database makes one ``state`` of both, so that nobody can read them differently.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _

from systems.base import Severity


class Presence(models.TextChoices):
    SEEN = "seen", _("seen")
    ABSENT = "absent", _("absent")  # checked, and not there: the only presence that clears
    SUBJECT_GONE = "subject_gone", _("subject gone")  # the source no longer knows the subject: never cleared by itself
    NOT_CHECKABLE = "not_checkable", _("not checkable")  # its rule failed or is no more: never cleared by itself


class Decision(models.TextChoices):
    OPEN = "open", _("open")
    SNOOZED = "snoozed", _("snoozed")
    DISMISSED = "dismissed", _("dismissed")
    SETTLED = "settled", _("settled")


class State(models.TextChoices):
    OPEN = "open", _("open")
    SNOOZED = "snoozed", _("snoozed")
    EXPECTED = "expected", _("expected")
    DISMISSED = "dismissed", _("dismissed")
    SETTLED = "settled", _("settled")
    CLEARED = "cleared", _("cleared")


class Dismissal(models.TextChoices):
    EXPECTED = "expected", _("expected: it is meant to be so")
    FALSE_POSITIVE = "false_positive", _("false positive: the rule is wrong here")
    DUPLICATE = "duplicate", _("duplicate of another")
    ACCEPTED_LOSS = "accepted_loss", _("accepted loss")
    FIXED_ELSEWHERE = "fixed_elsewhere", _("fixed elsewhere")


PRESENT = {Presence.SEEN, Presence.SUBJECT_GONE, Presence.NOT_CHECKABLE}  # not known to be gone
ANSWERED = {Decision.DISMISSED, Decision.SETTLED}  # reopens only when the facts change
AT_WORK = {State.OPEN, State.SNOOZED, State.EXPECTED}  # what people may still decide about
AT_RISK = {State.OPEN, State.SNOOZED}  # whose amounts are at stake

# From which decision to which; detection itself may only lead back to open.
DECISIONS = {
    Decision.OPEN: {Decision.SNOOZED, Decision.DISMISSED, Decision.SETTLED},
    Decision.SNOOZED: {Decision.OPEN, Decision.SNOOZED, Decision.DISMISSED, Decision.SETTLED},
    Decision.DISMISSED: {Decision.OPEN, Decision.SETTLED},
    Decision.SETTLED: {Decision.OPEN},
}

# Sorted by this, the most pressing come first and every column of the index runs one way.
URGENCY = {Severity.CRITICAL: 0, Severity.MAJOR: 1, Severity.MINOR: 2, Severity.NOTICE: 3}
