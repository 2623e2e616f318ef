from pathlib import Path

from django.db import migrations

UNDO = """
drop trigger adjustments_guard_second_factor on public.adjustments_decision;
drop trigger adjustments_guard_second_factor on public.adjustments_thaw;
drop trigger adjustments_guard_second_factor on public.adjustments_review;
drop trigger adjustments_guard_second_factor on public.adjustments_policychange;
drop function public.adjustments_guard_second_factor();
"""


class Migration(migrations.Migration):
    dependencies = [("adjustments", "0015_freeze_customer"), ("accounts", "0005_second_factor")]
    operations = [migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), UNDO)]
