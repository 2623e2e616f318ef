from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

# What the requests of one line said for their line; what had more lines tells them apart by number. The guards step
# aside for this one statement: the columns are new, and nothing that was signed is touched.
BACKFILL = """
alter table public.adjustments_adjustmentline disable trigger adjustments_guard;
update public.adjustments_adjustmentline l
set anomaly_id = a.anomaly_id,
    fingerprint = a.fingerprint || case when l.number > 1 then ' #' || l.number else '' end,
    occurrence = a.occurrence,
    correction = a.correction,
    reversed_at = case when l.outcome = 'posted' then a.reversed_at end,
    reverses_id = (
        select o.id
        from public.adjustments_adjustmentline o join public.adjustments_adjustment t on t.id = o.adjustment_id
        where t.id = a.reverses_id and o.revision = t.revision and o.number = l.number and o.outcome = 'posted'),
    live = a.state in ('pending', 'approved', 'needs_attention', 'applied') and a.reversed_at is null
        and l.revision = a.revision and l.outcome <> 'void'
from public.adjustments_adjustment a where a.id = l.adjustment_id;
set constraints all immediate;
set constraints all deferred;
alter table public.adjustments_adjustmentline enable always trigger adjustments_guard;
"""
OUTCOMES = [("waiting", "not posted"), ("posted", "posted"), ("refused", "refused"), ("void", "never to be posted")]


class Migration(migrations.Migration):
    """There is no way back: without these columns the lines would no longer say what was asked for and refused."""

    dependencies = [("adjustments", "0006_reconciliation"), ("anomalies", "0001_initial")]
    operations = [
        migrations.AddField("adjustmentline", "customer", models.TextField(blank=True, default="")),
        migrations.AddField(
            "adjustmentline",
            "anomaly",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="adjustment_lines",
                to="anomalies.anomaly",
            ),
        ),
        migrations.AddField("adjustmentline", "fingerprint", models.TextField(default="")),
        migrations.AddField("adjustmentline", "occurrence", models.IntegerField(default=1)),
        migrations.AddField("adjustmentline", "correction", models.TextField(default="", editable=False)),
        migrations.AddField("adjustmentline", "live", models.BooleanField(default=True, editable=False)),
        migrations.AddField("adjustmentline", "obstacle", models.TextField(blank=True, default="")),
        migrations.AddField("adjustmentline", "found", models.JSONField(null=True)),
        migrations.AddField("adjustmentline", "reversed_at", models.DateTimeField(null=True, editable=False)),
        migrations.AddField(
            "adjustmentline",
            "reverses",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reversals",
                to="adjustments.adjustmentline",
            ),
        ),
        migrations.AlterField("adjustmentline", "outcome", models.TextField(choices=OUTCOMES, default="waiting")),
        migrations.AlterField("adjustment", "fingerprint", models.TextField(blank=True, default="")),
        migrations.AlterField("adjustment", "subject", models.TextField(blank=True, default="")),
        migrations.RunSQL(BACKFILL),
        migrations.RemoveConstraint("adjustment", "adjustment_once_per_occurrence"),
        migrations.RemoveConstraint("adjustment", "adjustment_reversed_once"),
        migrations.RemoveConstraint("adjustmentline", "line_outcome_is_known"),
        migrations.AddConstraint(
            "adjustmentline",
            models.CheckConstraint(
                condition=Q(outcome__in=["waiting", "posted", "refused", "void"]), name="line_outcome_is_known"
            ),
        ),
        migrations.AddConstraint(
            "adjustmentline",
            models.CheckConstraint(
                condition=~Q(outcome="refused") | Q(obstacle__regex=r"\S"), name="line_refused_says_why"
            ),
        ),
        migrations.AddConstraint(
            "adjustmentline",
            models.UniqueConstraint(
                fields=["fingerprint", "occurrence", "correction"],
                condition=Q(live=True),
                name="line_asked_for_once",
            ),
        ),
        migrations.AddConstraint(
            "adjustmentline",
            models.UniqueConstraint(
                fields=["reverses"],
                condition=Q(live=True) | Q(reversed_at__isnull=False),
                name="line_reversed_once",
            ),
        ),
        migrations.AddIndex("adjustmentline", models.Index(fields=["adjustment", "outcome"], name="line_by_outcome")),
        migrations.AddIndex("adjustmentline", models.Index(fields=["customer"], name="line_by_customer")),
        migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")),
    ]
