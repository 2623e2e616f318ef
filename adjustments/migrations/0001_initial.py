import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("anomalies", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # What people call a request by. Gaps are fine: a number that was never used names nothing.
        migrations.RunSQL("create sequence public.adjustments_number", "drop sequence public.adjustments_number"),
        migrations.CreateModel(
            name="Adjustment",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "number",
                    models.BigIntegerField(
                        db_default=models.Func(models.Value("adjustments_number"), function="nextval"),
                        editable=False,
                        unique=True,
                    ),
                ),
                ("system", models.TextField()),
                ("correction", models.TextField()),
                ("fingerprint", models.TextField()),
                ("occurrence", models.IntegerField(default=1)),
                ("subject_kind", models.TextField()),
                ("subject", models.TextField()),
                (
                    "state",
                    models.TextField(
                        choices=[
                            ("pending", "waiting for approval"),
                            ("approved", "approved"),
                            ("applied", "applied"),
                            ("rejected", "rejected"),
                            ("withdrawn", "withdrawn"),
                            ("expired", "expired"),
                            ("cancelled", "cancelled"),
                            ("needs_attention", "needs attention"),
                        ],
                        default="pending",
                    ),
                ),
                ("revision", models.IntegerField(default=1)),
                ("attempt", models.IntegerField(default=0)),
                ("reason", models.TextField()),
                ("amount", models.BigIntegerField()),
                ("unit", models.TextField()),
                ("content", models.TextField()),
                ("content_hash", models.TextField()),
                ("policy_version", models.TextField()),
                ("approvals_needed", models.SmallIntegerField()),
                ("proposed_at", models.DateTimeField()),
                ("approve_by", models.DateTimeField()),
                ("approved_at", models.DateTimeField(null=True)),
                ("apply_by", models.DateTimeField(null=True)),
                ("applied_at", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                ("tried_at", models.DateTimeField(null=True)),
                ("obstacle", models.TextField(blank=True, default="")),
                ("correlation_id", models.TextField(blank=True, default="")),
                (
                    "anomaly",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="adjustments",
                        to="anomalies.anomaly",
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "reverses",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversals",
                        to="adjustments.adjustment",
                    ),
                ),
            ],
            options={
                "ordering": ["-number"],
            },
        ),
        migrations.CreateModel(
            name="AdjustmentLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("revision", models.IntegerField()),
                ("number", models.IntegerField()),
                ("key", models.UUIDField(default=uuid.uuid4, unique=True)),
                ("subject", models.TextField()),
                ("amount", models.BigIntegerField()),
                ("unit", models.TextField()),
                ("particulars", models.JSONField()),
                ("evidence", models.JSONField()),
                (
                    "outcome",
                    models.TextField(
                        choices=[("waiting", "not posted"), ("posted", "posted"), ("void", "never to be posted")],
                        default="waiting",
                    ),
                ),
                ("receipt", models.JSONField(null=True)),
                ("posted_at", models.DateTimeField(null=True)),
                (
                    "adjustment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="adjustments.adjustment"
                    ),
                ),
            ],
            options={
                "ordering": ["adjustment", "revision", "number"],
            },
        ),
        migrations.CreateModel(
            name="Contributor",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "adjustment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="contributors",
                        to="adjustments.adjustment",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Decision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("revision", models.IntegerField()),
                ("attempt", models.IntegerField(default=0)),
                (
                    "verdict",
                    models.TextField(
                        choices=[
                            ("approve", "approved"),
                            ("reject", "rejected"),
                            ("retry", "asked to try again"),
                            ("cancel", "asked to cancel"),
                        ]
                    ),
                ),
                ("content_hash", models.TextField()),
                ("reason", models.TextField(blank=True, default="")),
                ("at", models.DateTimeField()),
                (
                    "adjustment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decisions",
                        to="adjustments.adjustment",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["at", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Preview",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("revision", models.IntegerField()),
                ("asked_at", models.DateTimeField()),
                ("answered_at", models.DateTimeField(null=True)),
                (
                    "stage",
                    models.TextField(
                        choices=[("asked", "asked"), ("done", "done"), ("failed", "failed")], default="asked"
                    ),
                ),
                ("answer", models.JSONField(default=dict)),
                ("why", models.TextField(blank=True, default="")),
                (
                    "adjustment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="previews",
                        to="adjustments.adjustment",
                    ),
                ),
            ],
            options={
                "ordering": ["-asked_at"],
            },
        ),
        migrations.CreateModel(
            name="Revision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.IntegerField()),
                ("content", models.TextField()),
                ("content_hash", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "adjustment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="revisions",
                        to="adjustments.adjustment",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["adjustment", "number"],
            },
        ),
        migrations.AddIndex(
            model_name="adjustment",
            index=models.Index(fields=["state", "number"], name="adjustment_by_state"),
        ),
        migrations.AddIndex(
            model_name="adjustment",
            index=models.Index(fields=["system", "subject_kind", "subject"], name="adjustment_by_subject"),
        ),
        migrations.AddIndex(
            model_name="adjustment",
            index=models.Index(fields=["state", "proposed_at"], name="adjustment_by_age"),
        ),
        migrations.AddConstraint(
            model_name="adjustment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["applied", "approved", "needs_attention", "pending"])),
                fields=("fingerprint", "occurrence", "correction"),
                name="adjustment_once_per_occurrence",
            ),
        ),
        migrations.AddConstraint(
            model_name="adjustment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["applied", "approved", "needs_attention", "pending"])),
                fields=("reverses",),
                name="adjustment_reversed_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="adjustment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "pending",
                            "approved",
                            "applied",
                            "rejected",
                            "withdrawn",
                            "expired",
                            "cancelled",
                            "needs_attention",
                        ],
                    )
                ),
                name="adjustment_state_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="adjustment",
            constraint=models.CheckConstraint(condition=models.Q(("reason__regex", "\\S")), name="adjustment_says_why"),
        ),
        migrations.AddConstraint(
            model_name="adjustment",
            constraint=models.CheckConstraint(
                condition=models.Q(("approvals_needed__gte", 1), ("attempt__gte", 0), ("revision__gte", 1)),
                name="adjustment_counts",
            ),
        ),
        migrations.AddConstraint(
            model_name="adjustment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ["approved", "applied", "needs_attention", "cancelled"]), _negated=True),
                    models.Q(("apply_by__isnull", False), ("approved_at__isnull", False)),
                    _connector="OR",
                ),
                name="adjustment_approved_has_its_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="adjustment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("applied_at__isnull", False), ("state", "applied")),
                    models.Q(models.Q(("state", "applied"), _negated=True), ("applied_at__isnull", True)),
                    _connector="OR",
                ),
                name="adjustment_applied_has_its_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="adjustment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("closed_at__isnull", False), ("state__in", ["cancelled", "expired", "rejected", "withdrawn"])
                    ),
                    models.Q(
                        models.Q(("state__in", ["cancelled", "expired", "rejected", "withdrawn"]), _negated=True),
                        ("closed_at__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="adjustment_closed_has_its_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="adjustment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "needs_attention"), _negated=True), ("obstacle__regex", "\\S"), _connector="OR"
                ),
                name="adjustment_attention_says_why",
            ),
        ),
        migrations.AddIndex(
            model_name="adjustmentline",
            index=models.Index(fields=["subject"], name="line_by_subject"),
        ),
        migrations.AddConstraint(
            model_name="adjustmentline",
            constraint=models.UniqueConstraint(fields=("adjustment", "revision", "number"), name="line_number_once"),
        ),
        migrations.AddConstraint(
            model_name="adjustmentline",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount", 0), _negated=True), name="line_moves_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="adjustmentline",
            constraint=models.CheckConstraint(
                condition=models.Q(("outcome__in", ["waiting", "posted", "void"])), name="line_outcome_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="adjustmentline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("outcome", "posted"), ("posted_at__isnull", False), ("receipt__isnull", False)),
                    models.Q(
                        models.Q(("outcome", "posted"), _negated=True),
                        ("posted_at__isnull", True),
                        ("receipt__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="line_posted_has_its_receipt",
            ),
        ),
        migrations.AddConstraint(
            model_name="contributor",
            constraint=models.UniqueConstraint(fields=("adjustment", "person"), name="contributor_once"),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.UniqueConstraint(
                condition=models.Q(("verdict__in", ["approve", "reject"])),
                fields=("adjustment", "revision", "person"),
                name="decision_once_per_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.UniqueConstraint(
                condition=models.Q(("verdict__in", ["approve", "reject"]), _negated=True),
                fields=("adjustment", "revision", "attempt", "verdict", "person"),
                name="decision_asked_once_per_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.CheckConstraint(
                condition=models.Q(("verdict__in", ["approve", "reject", "retry", "cancel"])), name="decision_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.CheckConstraint(
                condition=models.Q(("verdict", "approve"), ("reason__regex", "\\S"), _connector="OR"),
                name="decision_says_why",
            ),
        ),
        migrations.AddIndex(
            model_name="preview",
            index=models.Index(fields=["adjustment", "revision", "-asked_at"], name="preview_latest"),
        ),
        migrations.AddConstraint(
            model_name="revision",
            constraint=models.UniqueConstraint(fields=("adjustment", "number"), name="revision_once"),
        ),
    ]
