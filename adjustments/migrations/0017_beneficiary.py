from pathlib import Path

from django.db import migrations

UNDO = """
drop trigger adjustments_guard_author on public.adjustments_revision;
drop trigger adjustments_guard_beneficiary on public.adjustments_decision;
drop function public.adjustments_guard_author(), public.adjustments_guard_beneficiary(),
    public.adjustments_benefits(bigint, text), public.adjustments_named(text);
"""


class Migration(migrations.Migration):
    dependencies = [("adjustments", "0016_second_factor"), ("accounts", "0007_identities")]
    operations = [migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), UNDO)]
