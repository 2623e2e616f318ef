from pathlib import Path

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

UNDO = """
drop trigger adjustments_guard on public.adjustments_flip;
drop trigger adjustments_guard on public.adjustments_review;
drop trigger adjustments_record on public.adjustments_flip;
drop trigger adjustments_record_move on public.adjustments_flip;
drop trigger adjustments_record on public.adjustments_review;
drop trigger adjustments_no_truncate on public.adjustments_flip;
drop trigger adjustments_no_truncate on public.adjustments_review;
drop function public.adjustments_guard_flip(), public.adjustments_guard_review(), public.adjustments_record_flip(),
    public.adjustments_record_review(), public.adjustments_flip_may_move(text, text);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("adjustments", "0012_elsewhere"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Flip",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("system", models.TextField()),
                ("switch", models.TextField()),
                ("value", models.TextField()),
                ("reason", models.TextField()),
                ("until", models.DateTimeField(null=True)),
                ("asked_at", models.DateTimeField()),
                ("review_by", models.DateTimeField(editable=False, null=True)),
                (
                    "state",
                    models.TextField(
                        choices=[
                            ("asked", "waits for the worker"),
                            ("under_way", "under way"),
                            ("done", "done"),
                            ("failed", "failed"),
                            ("unknown", "outcome unknown"),
                            ("left", "left as it was"),
                        ],
                        default="asked",
                    ),
                ),
                ("before_value", models.TextField(null=True)),
                ("effective_value", models.TextField(null=True)),
                ("why", models.TextField(blank=True, default="")),
                ("started_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "flipped_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "returns",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="returned_by",
                        to="adjustments.flip",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="Review",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("opinion", models.TextField(choices=[("confirm", "confirmed"), ("object", "objected")])),
                ("note", models.TextField(blank=True, default="")),
                ("at", models.DateTimeField()),
                (
                    "flip",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="review", to="adjustments.flip"
                    ),
                ),
                (
                    "reviewer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Sight",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("system", models.TextField()),
                ("switch", models.TextField()),
                ("value", models.TextField(null=True)),
                ("why", models.TextField(blank=True, default="")),
                ("looked_at", models.DateTimeField()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("system", "switch"), name="sight_is_the_last")],
            },
        ),
        migrations.AddIndex(
            model_name="flip",
            index=models.Index(fields=["system", "switch", "-id"], name="flip_latest"),
        ),
        migrations.AddConstraint(
            model_name="flip",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["asked", "under_way", "done", "failed", "unknown", "left"])),
                name="flip_state_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="flip",
            constraint=models.CheckConstraint(condition=models.Q(("reason__regex", "\\S")), name="flip_says_why"),
        ),
        migrations.AddConstraint(
            model_name="flip",
            constraint=models.CheckConstraint(
                condition=models.Q(("until", None), ("until__gt", models.F("asked_at")), _connector="OR"),
                name="flip_until_is_later",
            ),
        ),
        migrations.AddConstraint(
            model_name="flip",
            constraint=models.CheckConstraint(
                condition=models.Q(("flipped_by__isnull", False), ("returns__isnull", False), _connector="OR"),
                name="flip_is_somebodys",
            ),
        ),
        migrations.AddConstraint(
            model_name="flip",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "done"), _negated=True), ("effective_value__isnull", False), _connector="OR"
                ),
                name="flip_done_was_read_back",
            ),
        ),
        migrations.AddConstraint(
            model_name="flip",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["asked", "under_way"])),
                fields=("system", "switch"),
                name="flip_one_at_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(("opinion__in", ["confirm", "object"])), name="review_opinion_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(("opinion", "confirm"), ("note__regex", "\\S"), _connector="OR"),
                name="review_objects_why",
            ),
        ),
        migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), UNDO),
    ]
