from pathlib import Path

from django.db import migrations

UNDO = """
drop trigger jobs_anchor_audit_log on public.admin_audit_log;
drop function public.jobs_anchor_audit_log();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0002_letters"),
        ("audit", "0002_recording"),
        ("procrastinate", "0041_post_retry_failed_job"),
    ]
    operations = [migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), UNDO)]
