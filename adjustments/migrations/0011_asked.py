"""Who asks for a second try or a cancellation: SQL, in the file of the same name."""

from pathlib import Path

from django.db import migrations

UNDO = """
drop trigger adjustments_guard_asked on public.adjustments_decision;
drop function public.adjustments_guard_asked();
"""


class Migration(migrations.Migration):
    dependencies = [("adjustments", "0010_caps")]
    operations = [migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), UNDO)]
