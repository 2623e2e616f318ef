from pathlib import Path

from django.db import migrations

UNDO = """
drop trigger adjustments_guard_step_up on public.adjustments_decision;
drop function public.adjustments_guard_step_up();
"""


class Migration(migrations.Migration):
    dependencies = [("adjustments", "0008_policy"), ("accounts", "0003_step_up")]
    operations = [migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), UNDO)]
