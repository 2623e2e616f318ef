from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_recording")]
    operations = [
        migrations.CreateModel(
            name="Verification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("by", models.TextField()),
                ("in_database", models.BooleanField()),
                ("milliseconds", models.IntegerField()),
                ("verdict", models.TextField()),
                ("finding", models.JSONField()),
            ],
            options={
                "db_table": "audit_verification",
                "get_latest_by": ("at", "id"),
                "indexes": [models.Index(fields=["-at"], name="audit_verification_newest")],
            },
        ),
        migrations.CreateModel(
            name="Reading",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("actor_id", models.TextField()),
                ("actor", models.TextField()),
                ("what", models.TextField()),
                ("asked", models.JSONField(default=dict)),
                ("correlation_id", models.TextField()),
                ("sealed_by", models.BigIntegerField(null=True)),
            ],
            options={
                "db_table": "audit_reading",
                "indexes": [
                    models.Index(condition=models.Q(("sealed_by", None)), fields=["id"], name="audit_reading_unsealed")
                ],
            },
        ),
    ]
