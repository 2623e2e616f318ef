import datetime
from pathlib import Path

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

UNDO = """
drop trigger adjustments_guard_policy on public.adjustments_decision;
drop trigger adjustments_guard_policy on public.adjustments_adjustment;
drop trigger adjustments_guard on public.adjustments_policychange;
drop trigger adjustments_perform on public.adjustments_policychange;
drop trigger adjustments_record on public.adjustments_policychange;
drop trigger adjustments_no_truncate on public.adjustments_policychange;
drop trigger adjustments_guard on public.adjustments_policyrule;
drop trigger adjustments_record on public.adjustments_policyrule;
drop trigger adjustments_no_truncate on public.adjustments_policyrule;
drop function public.adjustments_guard_policy(), public.adjustments_guard_policy_of_decision(),
    public.adjustments_perform_policychange(), public.adjustments_guard_policychange(),
    public.adjustments_guard_policyrule(), public.adjustments_found_policy();
drop function public.adjustments_refuse_another_policy(public.adjustments_adjustment);
drop function public.adjustments_policy_for(text, text, bigint), public.adjustments_size(uuid, integer),
    public.adjustments_terms(jsonb);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("adjustments", "0007_lines"),
        ("accounts", "0002_guards"),
        ("audit", "0002_recording"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PolicyChange",
            fields=[
                ("system", models.TextField(blank=True, default="")),
                ("correction", models.TextField(blank=True, default="")),
                ("from_amount", models.BigIntegerField(default=0)),
                ("approvals", models.SmallIntegerField()),
                ("line_cap", models.BigIntegerField(null=True)),
                ("proposer_cap", models.BigIntegerField(null=True)),
                ("approver_cap", models.BigIntegerField(null=True)),
                ("customer_cap", models.BigIntegerField(null=True)),
                ("total_cap", models.BigIntegerField(null=True)),
                ("approve_within", models.DurationField()),
                ("apply_within", models.DurationField()),
                ("notice", models.DurationField()),
                ("approver_reason", models.BooleanField(default=False)),
                ("reason_length", models.SmallIntegerField(default=1)),
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.TextField(choices=[("add", "add"), ("change", "change"), ("retire", "retire")])),
                ("reason", models.TextField()),
                (
                    "state",
                    models.TextField(
                        choices=[
                            ("pending", "waits for a second admin"),
                            ("confirmed", "confirmed"),
                            ("refused", "refused"),
                            ("withdrawn", "withdrawn"),
                        ],
                        default="pending",
                    ),
                ),
                ("requested_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(null=True)),
                ("answer", models.TextField(blank=True, default="")),
                ("confirmed_in", models.BigIntegerField(editable=False, null=True)),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PolicyRule",
            fields=[
                ("system", models.TextField(blank=True, default="")),
                ("correction", models.TextField(blank=True, default="")),
                ("from_amount", models.BigIntegerField(default=0)),
                ("approvals", models.SmallIntegerField()),
                ("line_cap", models.BigIntegerField(null=True)),
                ("proposer_cap", models.BigIntegerField(null=True)),
                ("approver_cap", models.BigIntegerField(null=True)),
                ("customer_cap", models.BigIntegerField(null=True)),
                ("total_cap", models.BigIntegerField(null=True)),
                ("approve_within", models.DurationField()),
                ("apply_within", models.DurationField()),
                ("notice", models.DurationField()),
                ("approver_reason", models.BooleanField(default=False)),
                ("reason_length", models.SmallIntegerField(default=1)),
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("version", models.TextField(unique=True)),
                ("began_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "change",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rule",
                        to="adjustments.policychange",
                    ),
                ),
                (
                    "ended_by",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ended",
                        to="adjustments.policychange",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PolicyEffect",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("revision", models.IntegerField()),
                ("was", models.TextField()),
                ("voided", models.SmallIntegerField()),
                ("at", models.DateTimeField()),
                (
                    "adjustment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="policy_effects",
                        to="adjustments.adjustment",
                    ),
                ),
                (
                    "rule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="effects", to="adjustments.policyrule"
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="policychange",
            name="replaces",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="adjustments.policyrule"
            ),
        ),
        migrations.AddConstraint(
            model_name="policyrule",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at", None)),
                fields=("system", "correction", "from_amount"),
                name="policy_rule_once_per_place",
            ),
        ),
        migrations.AddConstraint(
            model_name="policyrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at", None), ("ended_by", None)),
                    models.Q(("ended_at__isnull", False), ("ended_by__isnull", False)),
                    _connector="OR",
                ),
                name="policy_rule_is_ended_by_a_change",
            ),
        ),
        migrations.AddConstraint(
            model_name="policyrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("system", ""), _negated=True),
                    models.Q(
                        ("correction", ""),
                        ("from_amount", 0),
                        ("system", ""),
                        ("approver_cap", None),
                        ("customer_cap", None),
                        ("line_cap", None),
                        ("proposer_cap", None),
                        ("total_cap", None),
                    ),
                    _connector="OR",
                ),
                name="policy_rule_names_its_system",
            ),
        ),
        migrations.AddConstraint(
            model_name="policyrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("line_cap", None), ("line_cap__gt", 0), _connector="OR"),
                    models.Q(("proposer_cap", None), ("proposer_cap__gt", 0), _connector="OR"),
                    models.Q(("approver_cap", None), ("approver_cap__gt", 0), _connector="OR"),
                    models.Q(("customer_cap", None), ("customer_cap__gt", 0), _connector="OR"),
                    models.Q(("total_cap", None), ("total_cap__gt", 0), _connector="OR"),
                ),
                name="policy_rule_caps_let_something_through",
            ),
        ),
        migrations.AddConstraint(
            model_name="policyrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("approve_within__gt", datetime.timedelta(0)),
                    ("approve_within__lte", datetime.timedelta(days=90)),
                    ("apply_within__gt", datetime.timedelta(0)),
                    ("apply_within__lte", datetime.timedelta(days=90)),
                ),
                name="policy_rule_leaves_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="policyrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("notice__gte", datetime.timedelta(0)),
                    ("notice__lt", models.F("approve_within")),
                    ("notice__lt", models.F("apply_within")),
                ),
                name="policy_rule_notice_comes_before_the_end",
            ),
        ),
        migrations.AddConstraint(
            model_name="policyrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("approvals__range", (1, 9)), ("from_amount__gte", 0), ("reason_length__range", (1, 500))
                ),
                name="policy_rule_counts",
            ),
        ),
        migrations.AddConstraint(
            model_name="policyeffect",
            constraint=models.UniqueConstraint(fields=("adjustment", "revision"), name="policy_effect_once"),
        ),
        migrations.AddConstraint(
            model_name="policychange",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["add", "change", "retire"])), name="policy_change_kind_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="policychange",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["pending", "confirmed", "refused", "withdrawn"])),
                name="policy_change_state_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="policychange",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason__regex", "\\S")), name="policy_change_says_why"
            ),
        ),
        migrations.AddConstraint(
            model_name="policychange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "refused"), _negated=True), ("answer__regex", "\\S"), _connector="OR"
                ),
                name="policy_refusal_says_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="policychange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "add"), ("replaces", None)),
                    models.Q(models.Q(("kind", "add"), _negated=True), ("replaces__isnull", False)),
                    _connector="OR",
                ),
                name="policy_change_names_what_it_replaces",
            ),
        ),
        migrations.AddConstraint(
            model_name="policychange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("correction", ""), ("from_amount", 0), ("kind", "retire"), ("system", ""), _negated=True
                ),
                name="policy_always_has_a_rule",
            ),
        ),
        migrations.AddConstraint(
            model_name="policychange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at", None), ("decided_by", None), ("state", "pending")),
                    models.Q(
                        models.Q(("state", "pending"), _negated=True),
                        ("decided_at__isnull", False),
                        ("decided_by__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="policy_change_is_decided_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="policychange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "confirmed"), _negated=True),
                    models.Q(("decided_by", models.F("requested_by")), _negated=True),
                    _connector="OR",
                ),
                name="policy_change_is_confirmed_by_a_second_admin",
            ),
        ),
        migrations.AddConstraint(
            model_name="policychange",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "pending")),
                fields=("system", "correction", "from_amount"),
                name="policy_change_is_asked_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="policychange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("system", ""), _negated=True),
                    models.Q(
                        ("correction", ""),
                        ("from_amount", 0),
                        ("system", ""),
                        ("approver_cap", None),
                        ("customer_cap", None),
                        ("line_cap", None),
                        ("proposer_cap", None),
                        ("total_cap", None),
                    ),
                    _connector="OR",
                ),
                name="policy_change_names_its_system",
            ),
        ),
        migrations.AddConstraint(
            model_name="policychange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("line_cap", None), ("line_cap__gt", 0), _connector="OR"),
                    models.Q(("proposer_cap", None), ("proposer_cap__gt", 0), _connector="OR"),
                    models.Q(("approver_cap", None), ("approver_cap__gt", 0), _connector="OR"),
                    models.Q(("customer_cap", None), ("customer_cap__gt", 0), _connector="OR"),
                    models.Q(("total_cap", None), ("total_cap__gt", 0), _connector="OR"),
                ),
                name="policy_change_caps_let_something_through",
            ),
        ),
        migrations.AddConstraint(
            model_name="policychange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("approve_within__gt", datetime.timedelta(0)),
                    ("approve_within__lte", datetime.timedelta(days=90)),
                    ("apply_within__gt", datetime.timedelta(0)),
                    ("apply_within__lte", datetime.timedelta(days=90)),
                ),
                name="policy_change_leaves_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="policychange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("notice__gte", datetime.timedelta(0)),
                    ("notice__lt", models.F("approve_within")),
                    ("notice__lt", models.F("apply_within")),
                ),
                name="policy_change_notice_comes_before_the_end",
            ),
        ),
        migrations.AddConstraint(
            model_name="policychange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("approvals__range", (1, 9)), ("from_amount__gte", 0), ("reason_length__range", (1, 500))
                ),
                name="policy_change_counts",
            ),
        ),
        migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), UNDO),
    ]
