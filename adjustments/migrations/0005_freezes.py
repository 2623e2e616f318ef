from pathlib import Path

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

UNDO = """
drop trigger adjustments_guard_freeze on public.adjustments_decision;
drop trigger adjustments_guard_freeze on public.adjustments_adjustment;
drop trigger adjustments_guard_freeze on public.adjustments_adjustmentline;
drop trigger adjustments_guard on public.adjustments_freeze;
drop trigger adjustments_guard on public.adjustments_thaw;
drop trigger adjustments_lift on public.adjustments_thaw;
drop trigger adjustments_record on public.adjustments_freeze;
drop trigger adjustments_record on public.adjustments_thaw;
drop trigger adjustments_no_truncate on public.adjustments_freeze;
drop trigger adjustments_no_truncate on public.adjustments_thaw;
drop function public.adjustments_guard_freeze(), public.adjustments_guard_freeze_of_line(),
    public.adjustments_guard_freeze_itself(), public.adjustments_guard_thaw(), public.adjustments_lift_freeze(),
    public.adjustments_record_freeze(), public.adjustments_record_thaw();
drop function public.adjustments_freeze_on(uuid, uuid);
drop function public.adjustments_frozen(uuid, uuid);
drop function public.adjustments_freeze_covers(adjustments_freeze, adjustments_adjustment, adjustments_adjustmentline);
drop function public.adjustments_holds_now(bigint, text[]), public.adjustments_freeze_lock();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("adjustments", "0004_recording"),
        ("accounts", "0002_guards"),
        ("audit", "0002_recording"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Freeze",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("system", models.TextField(blank=True, default="")),
                ("correction", models.TextField(blank=True, default="")),
                ("customer", models.TextField(blank=True, default="")),
                ("from_amount", models.BigIntegerField(null=True)),
                ("unit", models.TextField(blank=True, default="")),
                ("reason", models.TextField()),
                ("frozen_at", models.DateTimeField()),
                ("holds_from", models.DateTimeField(editable=False, null=True)),
                ("lifted_at", models.DateTimeField(editable=False, null=True)),
                (
                    "frozen_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="Thaw",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.TextField()),
                ("asked_at", models.DateTimeField()),
                (
                    "state",
                    models.TextField(
                        choices=[
                            ("pending", "waits for a second person"),
                            ("confirmed", "confirmed"),
                            ("refused", "refused"),
                            ("withdrawn", "withdrawn"),
                        ],
                        default="pending",
                    ),
                ),
                ("decided_at", models.DateTimeField(null=True)),
                ("note", models.TextField(blank=True, default="")),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
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
                    "freeze",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="thaws", to="adjustments.freeze"
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.AddConstraint(
            model_name="freeze",
            constraint=models.CheckConstraint(condition=models.Q(("reason__regex", "\\S")), name="freeze_says_why"),
        ),
        migrations.AddConstraint(
            model_name="freeze",
            constraint=models.CheckConstraint(
                condition=models.Q(("correction", ""), models.Q(("system", ""), _negated=True), _connector="OR"),
                name="freeze_correction_has_its_system",
            ),
        ),
        migrations.AddConstraint(
            model_name="freeze",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("from_amount", None), ("unit", "")),
                    models.Q(("from_amount__gt", 0), models.Q(("unit", ""), _negated=True)),
                    _connector="OR",
                ),
                name="freeze_amount_has_its_unit",
            ),
        ),
        migrations.AddConstraint(
            model_name="freeze",
            constraint=models.UniqueConstraint(
                condition=models.Q(("lifted_at", None)),
                fields=("system", "correction", "customer", "from_amount", "unit"),
                name="freeze_once",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="thaw",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "pending")), fields=("freeze",), name="thaw_asked_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="thaw",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["pending", "confirmed", "refused", "withdrawn"])),
                name="thaw_state_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="thaw",
            constraint=models.CheckConstraint(condition=models.Q(("reason__regex", "\\S")), name="thaw_says_why"),
        ),
        migrations.AddConstraint(
            model_name="thaw",
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
                name="thaw_decided_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="thaw",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "confirmed"), _negated=True),
                    models.Q(("decided_by", models.F("asked_by")), _negated=True),
                    _connector="OR",
                ),
                name="thaw_takes_two",
            ),
        ),
        migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), UNDO),
    ]
