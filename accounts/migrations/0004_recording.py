"""People and roles record themselves: SQL, in the file of the same name."""

from pathlib import Path

from django.db import migrations

UNDO = """
drop trigger accounts_record on public.accounts_personchange;
drop trigger accounts_record on public.accounts_rolegrant;
drop trigger accounts_record on public.accounts_person;
drop trigger accounts_record_update on public.accounts_person;
drop function public.accounts_record_change();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_step_up"), ("audit", "0002_recording")]
    operations = [migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), UNDO)]
