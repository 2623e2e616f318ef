"""What must be fulfilled before money moves, as rows: rules, the changes that made them, and what they did to requests.

A rule never changes. A change of policy, asked by one admin and confirmed by another, ends one version of a rule and
begins the next; the database does that itself (migrations/*_policy.sql), so the site can only ask, confirm and read.
"""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

CAPS = ("line_cap", "proposer_cap", "approver_cap", "customer_cap", "total_cap")
PLACE = ("system", "correction", "from_amount")
TERMS = (
    *("approvals", "line_cap", "proposer_cap", "approver_cap", "customer_cap", "total_cap"),
    *("approve_within", "apply_within", "notice", "approver_reason", "reason_length"),
)
LONGEST = timedelta(days=90)


class Kind(models.TextChoices):
    ADD = "add", _("add")
    CHANGE = "change", _("change")
    RETIRE = "retire", _("retire")


class State(models.TextChoices):
    PENDING = "pending", _("waits for a second admin")
    CONFIRMED = "confirmed", _("confirmed")
    REFUSED = "refused", _("refused")
    WITHDRAWN = "withdrawn", _("withdrawn")


def _limits(prefix: str) -> list[models.BaseConstraint]:
    """What no rule may say, asked for or in force. A cap counts smallest units, so it names whose."""
    capless = Q(**dict.fromkeys(CAPS))
    positive = Q(*[Q(**{cap: None}) | Q(**{f"{cap}__gt": 0}) for cap in CAPS])
    in_time = Q(approve_within__gt=timedelta(0), approve_within__lte=LONGEST)
    in_time &= Q(apply_within__gt=timedelta(0), apply_within__lte=LONGEST)
    noticed = Q(notice__gte=timedelta(0), notice__lt=F("approve_within")) & Q(notice__lt=F("apply_within"))
    counts = Q(approvals__range=(1, 9), reason_length__range=(1, 500), from_amount__gte=0)
    names_system = ~Q(system="") | Q(system="", correction="", from_amount=0) & capless
    return [
        models.CheckConstraint(condition=names_system, name=f"{prefix}_names_its_system"),
        models.CheckConstraint(condition=positive, name=f"{prefix}_caps_let_something_through"),
        models.CheckConstraint(condition=in_time, name=f"{prefix}_leaves_time"),
        models.CheckConstraint(condition=noticed, name=f"{prefix}_notice_comes_before_the_end"),
        models.CheckConstraint(condition=counts, name=f"{prefix}_counts"),
    ]


class Terms(models.Model):
    """Where a rule holds, and what it asks. Nothing means: any system, any correction; of a cap: no cap."""

    system = models.TextField(blank=True, default="")
    correction = models.TextField(blank=True, default="")
    from_amount = models.BigIntegerField(default=0)  # of all lines together, each without its sign
    approvals = models.SmallIntegerField()
    line_cap = models.BigIntegerField(null=True)
    proposer_cap = models.BigIntegerField(null=True)  # this and those below: within 24 hours
    approver_cap = models.BigIntegerField(null=True)
    customer_cap = models.BigIntegerField(null=True)
    total_cap = models.BigIntegerField(null=True)
    approve_within = models.DurationField()
    apply_within = models.DurationField()
    notice = models.DurationField()  # before either deadline
    approver_reason = models.BooleanField(default=False)
    reason_length = models.SmallIntegerField(default=1)

    class Meta:
        abstract = True

    @property
    def place(self) -> tuple[str, str, int]:
        return self.system, self.correction, self.from_amount

    @property
    def terms(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in TERMS}


class PolicyRuleQuerySet(models.QuerySet):
    def current(self) -> "PolicyRuleQuerySet":
        return self.filter(ended_at=None)

    def in_order(self) -> "PolicyRuleQuerySet":
        """The general before the special."""
        return self.order_by("system", "correction", "from_amount", "pk")


class PolicyRule(Terms):
    """One version of a rule. Written and ended by the confirmation of a change, in the database, and never altered."""

    site_privileges = ("SELECT",)

    id = models.BigAutoField(primary_key=True)
    version = models.TextField(unique=True)  # the text that is signed
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    change = models.OneToOneField("PolicyChange", models.PROTECT, null=True, related_name="rule")
    ended_by = models.OneToOneField("PolicyChange", models.PROTECT, null=True, related_name="ended")

    objects = PolicyRuleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["system", "correction", "from_amount"],
                condition=Q(ended_at=None),
                name="policy_rule_once_per_place",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
                name="policy_rule_is_ended_by_a_change",
            ),
            *_limits("policy_rule"),
        ]

    def __str__(self) -> str:
        return self.version


class PolicyChangeQuerySet(models.QuerySet):
    def pending(self) -> "PolicyChangeQuerySet":
        return self.filter(state=State.PENDING)

    def decided(self) -> "PolicyChangeQuerySet":
        return self.exclude(state=State.PENDING)

    def newest_first(self) -> "PolicyChangeQuerySet":
        return self.order_by("-requested_at", "-pk")


class PolicyChange(Terms):
    """What one admin asks to change about the policy, until another admin confirms or refuses it."""

    site_privileges = ("SELECT", "INSERT", "UPDATE (state, decided_by_id, decided_at, answer)")

    id = models.BigAutoField(primary_key=True)
    kind = models.TextField(choices=Kind.choices)
    replaces = models.ForeignKey(PolicyRule, models.PROTECT, null=True, related_name="+")
    reason = models.TextField()
    state = models.TextField(choices=State.choices, default=State.PENDING)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    answer = models.TextField(blank=True, default="")  # why it was refused
    # Set by the database on confirming: what follows from a change happens in that very transaction or never.
    confirmed_in = models.BigIntegerField(null=True, editable=False)

    objects = PolicyChangeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="policy_change_kind_is_known"),
            models.CheckConstraint(condition=Q(state__in=State.values), name="policy_change_state_is_known"),
            models.CheckConstraint(condition=Q(reason__regex=r"\S"), name="policy_change_says_why"),
            models.CheckConstraint(
                condition=~Q(state=State.REFUSED) | Q(answer__regex=r"\S"), name="policy_refusal_says_why"
            ),
            models.CheckConstraint(
                condition=Q(kind=Kind.ADD, replaces=None) | ~Q(kind=Kind.ADD) & Q(replaces__isnull=False),
                name="policy_change_names_what_it_replaces",
            ),
            models.CheckConstraint(
                condition=~Q(kind=Kind.RETIRE, system="", correction="", from_amount=0),
                name="policy_always_has_a_rule",
            ),
            models.CheckConstraint(
                condition=Q(state=State.PENDING, decided_by=None, decided_at=None)
                | ~Q(state=State.PENDING) & Q(decided_by__isnull=False, decided_at__isnull=False),
                name="policy_change_is_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(state=State.CONFIRMED) | ~Q(decided_by=F("requested_by")),
                name="policy_change_is_confirmed_by_a_second_admin",
            ),
            models.UniqueConstraint(
                fields=["system", "correction", "from_amount"],
                condition=Q(state=State.PENDING),
                name="policy_change_is_asked_once",
            ),
            *_limits("policy_change"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.place}"


class PolicyEffect(models.Model):
    """A waiting request that came under another rule: its revision of the same lines, under which nobody has spoken."""

    site_privileges = ("SELECT", "INSERT")

    adjustment = models.ForeignKey("adjustments.Adjustment", models.PROTECT, related_name="policy_effects")
    revision = models.IntegerField()
    rule = models.ForeignKey(PolicyRule, models.PROTECT, related_name="effects")
    was = models.TextField()  # the version it was proposed under
    voided = models.SmallIntegerField()  # approvals that no longer count
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["adjustment", "revision"], name="policy_effect_once")]

    def __str__(self) -> str:
        return f"{self.adjustment_id} r{self.revision}"
