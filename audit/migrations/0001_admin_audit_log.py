"""The table, its guards and its one way in are SQL; Django is told of the table only."""

from pathlib import Path

from django.db import migrations, models

UNDO = """
drop table public.admin_audit_log;
drop function public.admin_audit_log_append(text, text, text, text, text, text, text, text, text, text, text, jsonb);
drop function public.admin_audit_log_refuse();
drop function public.admin_audit_log_canonical(
    timestamptz, text, text, text, text, text, text, text, text, text, text, text, jsonb);
drop function public.admin_audit_log_hash(bigint, text, text);
drop function public.admin_audit_log_json(jsonb);
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.RunSQL(
            Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"),
            UNDO,
            state_operations=[
                migrations.CreateModel(
                    name="Entry",
                    fields=[
                        ("position", models.BigIntegerField(primary_key=True, serialize=False)),
                        ("at", models.DateTimeField()),
                        ("actor_id", models.TextField()),
                        ("actor", models.TextField()),
                        ("action_type", models.TextField()),
                        ("target_type", models.TextField()),
                        ("target_id", models.TextField()),
                        ("outcome", models.TextField()),
                        ("reason", models.TextField()),
                        ("job_id", models.TextField()),
                        ("tx_id", models.TextField()),
                        ("system", models.TextField()),
                        ("correlation_id", models.TextField()),
                        ("metadata", models.JSONField()),
                        ("canonical", models.TextField()),
                        ("previous_hash", models.TextField(unique=True)),
                        ("hash", models.TextField()),
                    ],
                    options={"db_table": "admin_audit_log", "ordering": ["-position"]},
                ),
            ],
        ),
    ]
