from pathlib import Path

from django.db import migrations, models

UNDO = """
drop trigger adjustments_guard_caps on public.adjustments_adjustment;
drop trigger adjustments_caps on public.adjustments_revision;
drop function public.adjustments_guard_caps(), public.adjustments_check_caps();
drop function public.adjustments_refuse_large_lines(public.adjustments_policyrule, uuid, integer);
drop function public.adjustments_uses(text, text, text, timestamptz, uuid, bigint, bigint[], text[]);
"""


class Migration(migrations.Migration):
    dependencies = [("adjustments", "0009_step_up")]
    operations = [
        migrations.AddIndex(
            "adjustment",
            models.Index(fields=["system", "approved_at"], name="adjustment_by_approval"),
        ),
        migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), UNDO),
    ]
