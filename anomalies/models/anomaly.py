from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Abs, Coalesce
from django.utils.translation import gettext_lazy as _

from anomalies.identifiers import identifier
from anomalies.models.states import AT_RISK, AT_WORK, PRESENT, URGENCY, Decision, Dismissal, Presence, State
from systems.base import Severity, Verdict

CELL = ["state", "system", "rule", "urgency"]


class AnomalyQuerySet(models.QuerySet):
    def open(self) -> "AnomalyQuerySet":
        return self.filter(state=State.OPEN)

    def at_work(self) -> "AnomalyQuerySet":
        """Those about which something may still be decided."""
        return self.filter(state__in=AT_WORK)

    def at_risk(self) -> "AnomalyQuerySet":
        """Those whose amounts are at stake: nobody has answered them yet."""
        return self.filter(state__in=AT_RISK)

    def snoozed(self) -> "AnomalyQuerySet":
        return self.filter(decision=Decision.SNOOZED)

    def overslept(self, now: datetime) -> "AnomalyQuerySet":
        """Those whose snooze is over."""
        return self.snoozed().filter(snoozed_until__lte=now)

    def present(self) -> "AnomalyQuerySet":
        return self.filter(presence__in=PRESENT)

    def claimed_by(self, person: models.Model) -> "AnomalyQuerySet":
        return self.filter(owner=person)

    def unclaimed(self) -> "AnomalyQuerySet":
        return self.filter(owner=None)

    def for_system(self, slug: str) -> "AnomalyQuerySet":
        return self.filter(system=slug)

    def for_subject(self, slug: str, kind: str, subject: str) -> "AnomalyQuerySet":
        """Letter case is ignored: a ledger may spell an id otherwise than the table it points to."""
        return self.naming(subject).filter(system=slug, subject_kind=kind, subject__iexact=subject)

    def naming(self, text: str) -> "AnomalyQuerySet":
        """Those that name this identifier, be it the subject, a transaction or a user; letter case is ignored."""
        return self.filter(ids__contains=[identifier(text)])

    def newest_first(self) -> "AnomalyQuerySet":
        return self.order_by("-observed_at", "-pk")

    def most_urgent_first(self) -> "AnomalyQuerySet":
        return self.order_by("urgency", "observed_at", "pk")


class Anomaly(models.Model):
    """One thing that does not add up, as the latest check saw it and as people decided about it.

    Rows come from detection alone, are never deleted, and age never closes them.
    """

    site_privileges = ("SELECT", "INSERT", "UPDATE")

    id = models.BigAutoField(primary_key=True)
    system = models.TextField(_("system"))
    rule = models.TextField(_("rule"))
    subject_kind = models.TextField(_("kind of subject"))
    subject = models.TextField(_("subject"))
    fingerprint = models.TextField(_("fingerprint"))
    ids = ArrayField(models.TextField(), default=list)  # every identifier it names, folded: what the search box finds

    verdict = models.CharField(_("verdict"), max_length=12, choices=Verdict)
    severity = models.CharField(_("severity"), max_length=8, choices=Severity)
    observed_at = models.DateTimeField(_("observed at"))
    amount = models.BigIntegerField(_("amount"), null=True)
    unit = models.TextField(_("unit"), null=True)
    facts = models.JSONField(_("facts"), default=dict)
    facts_digest = models.TextField()  # of what the rules judge and identify by: anomalies/digest.py

    presence = models.CharField(_("presence"), max_length=13, choices=Presence, default=Presence.SEEN)
    first_seen_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("last seen"))
    checked_at = models.DateTimeField(_("checked"))
    occurrence = models.PositiveIntegerField(_("occurrence"), default=1)
    returned_at = models.DateTimeField(_("came back"), null=True)

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    claimed_at = models.DateTimeField(null=True)

    decision = models.CharField(_("decision"), max_length=9, choices=Decision, default=Decision.OPEN)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decided_digest = models.TextField(default="")  # the facts as they were decided about; empty: the next check's
    decision_note = models.TextField(_("note"), default="")
    dismissal = models.CharField(_("reason"), max_length=15, choices=Dismissal, default="")
    snoozed_until = models.DateTimeField(_("until"), null=True)
    grow_count = models.PositiveBigIntegerField(_("until more than so many of its rule"), null=True)
    grow_amount = models.PositiveBigIntegerField(_("until more than this is at risk by its rule"), null=True)
    settled_by = models.UUIDField(_("adjustment"), null=True)

    state = models.GeneratedField(
        expression=Case(
            When(decision=Decision.SETTLED, then=Value(State.SETTLED.value)),
            When(decision=Decision.DISMISSED, then=Value(State.DISMISSED.value)),
            When(presence=Presence.ABSENT, then=Value(State.CLEARED.value)),
            When(verdict=Verdict.EXPECTED, then=Value(State.EXPECTED.value)),
            When(decision=Decision.SNOOZED, then=Value(State.SNOOZED.value)),
            default=Value(State.OPEN.value),
        ),
        output_field=models.CharField(_("state"), max_length=9, choices=State),
        db_persist=True,
    )
    urgency = models.GeneratedField(
        expression=Case(
            *(When(severity=severity, then=Value(rank)) for severity, rank in URGENCY.items()), default=Value(9)
        ),
        output_field=models.SmallIntegerField(),
        db_persist=True,
    )
    at_risk = models.GeneratedField(
        expression=Coalesce(Abs(F("amount")), Value(0)), output_field=models.BigIntegerField(), db_persist=True
    )

    objects = AnomalyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="anomaly_is_known_once", fields=["fingerprint"]),
            models.CheckConstraint(name="anomaly_is_named", condition=~Q(system="") & ~Q(rule="") & ~Q(fingerprint="")),
            models.CheckConstraint(name="anomaly_verdict_is_known", condition=Q(verdict__in=Verdict.values)),
            models.CheckConstraint(name="anomaly_severity_is_known", condition=Q(severity__in=Severity.values)),
            models.CheckConstraint(name="anomaly_presence_is_known", condition=Q(presence__in=Presence.values)),
            models.CheckConstraint(name="anomaly_decision_is_known", condition=Q(decision__in=Decision.values)),
            models.CheckConstraint(
                name="anomaly_amount_has_its_unit",
                condition=Q(amount=None, unit=None) | Q(amount__isnull=False, unit__isnull=False) & ~Q(unit=""),
            ),
            models.CheckConstraint(name="anomaly_occurs_at_least_once", condition=Q(occurrence__gte=1)),
            models.CheckConstraint(
                name="anomaly_is_seen_in_order",
                condition=Q(first_seen_at__lte=F("last_seen_at")) & Q(last_seen_at__lte=F("checked_at")),
            ),
            models.CheckConstraint(
                name="anomaly_claimed_means_an_owner",
                condition=Q(owner=None, claimed_at=None) | Q(owner__isnull=False, claimed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="anomaly_decision_has_its_moment",
                condition=Q(decision=Decision.OPEN, decided_at=None, decided_by=None)
                | ~Q(decision=Decision.OPEN) & Q(decided_at__isnull=False),
            ),
            models.CheckConstraint(
                name="anomaly_snoozed_means_until_when",
                condition=Q(decision=Decision.SNOOZED)
                & (Q(snoozed_until__isnull=False) | Q(grow_count__isnull=False) | Q(grow_amount__isnull=False))
                | ~Q(decision=Decision.SNOOZED) & Q(snoozed_until=None, grow_count=None, grow_amount=None),
            ),
            models.CheckConstraint(
                name="anomaly_dismissed_means_reason_and_note",
                condition=Q(decision=Decision.DISMISSED, dismissal__in=Dismissal.values, decided_by__isnull=False)
                & ~Q(decision_note__regex=r"^\s*$")
                | ~Q(decision=Decision.DISMISSED) & Q(dismissal=""),
            ),
            models.CheckConstraint(
                name="anomaly_settled_means_by_an_adjustment",
                condition=Q(decision=Decision.SETTLED, settled_by__isnull=False)
                | ~Q(decision=Decision.SETTLED) & Q(settled_by=None),
            ),
        ]
        indexes = [
            # The queue walks cells of one state, system, rule and urgency, each in its order: anomalies/queue.sql.
            models.Index(name="anomaly_by_time", fields=[*CELL, "observed_at", "id"], include=["owner"]),
            models.Index(name="anomaly_by_amount", fields=[*CELL, "at_risk", "observed_at", "id"], include=["owner"]),
            # The same for what a person has claimed.
            models.Index(
                name="anomaly_owned_by_time",
                fields=["owner", *CELL, "observed_at", "id"],
                condition=Q(owner__isnull=False),
            ),
            models.Index(
                name="anomaly_owned_by_amount",
                fields=["owner", *CELL, "at_risk", "observed_at", "id"],
                condition=Q(owner__isnull=False),
            ),
            # Used by the search box, the subject page and "similar ones".
            GinIndex(name="anomaly_by_identifier", fields=["ids"], fastupdate=False),
        ]

    def __str__(self) -> str:
        return self.fingerprint

    def is_at_work(self) -> bool:
        return self.state in AT_WORK

    def is_claimed_by(self, person: models.Model) -> bool:
        return self.owner_id is not None and self.owner_id == person.pk
