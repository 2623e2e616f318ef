from pathlib import Path

from django.db import migrations, models
from django.db.models import Q

UNDO = """
drop trigger adjustments_guard_reversed on public.adjustments_adjustment;
drop function public.adjustments_guard_reversed();
"""
LIVE = ["applied", "approved", "needs_attention", "pending"]


class Migration(migrations.Migration):
    dependencies = [("adjustments", "0002_guards")]
    operations = [
        migrations.AddField("adjustment", "reversed_at", models.DateTimeField(null=True)),
        migrations.RemoveConstraint("adjustment", "adjustment_once_per_occurrence"),
        migrations.AddConstraint(
            "adjustment",
            models.UniqueConstraint(
                fields=["fingerprint", "occurrence", "correction"],
                condition=Q(state__in=LIVE, reversed_at=None),
                name="adjustment_once_per_occurrence",
            ),
        ),
        migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), UNDO),
    ]
