"""What lets rows record themselves is SQL, in the file of the same name."""

from pathlib import Path

from django.db import migrations

UNDO = """
drop function public.admin_audit_log_record_row();
drop function public.admin_audit_log_tellable(jsonb);
drop function public.admin_audit_log_acted(text, text, text, text, text, text, text, text, text, jsonb);
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_admin_audit_log")]
    operations = [migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), UNDO)]
