from pathlib import Path

import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

BEFORE = Path(__file__).with_name("0002_guards.sql").read_text(encoding="utf-8")
GUARD = BEFORE[BEFORE.index("create function public.accounts_guard_change()") :]
UNDO = f"""
drop trigger accounts_record on public.accounts_sourceidentity;
drop trigger accounts_guard_identity on public.accounts_sourceidentity;
create or replace {GUARD[len("create ") : GUARD.index("$$;")]}$$;
drop function public.accounts_is_beneficiary(bigint, text[], text), public.accounts_guard_identity(),
    public.accounts_directory_speaks();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_membership"),
    ]

    operations = [
        migrations.CreateModel(
            name="SourceIdentity",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("uuid", "UUID"),
                            ("email", "e-mail"),
                            ("telegram", "Telegram id"),
                            ("org", "organisation"),
                            ("other", "other id"),
                        ],
                        max_length=10,
                    ),
                ),
                ("system", models.TextField(blank=True, default="")),
                ("value", models.TextField()),
                ("matched_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["kind", "system", "value"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="personchange",
            name="change_kind_is_known",
        ),
        migrations.RemoveConstraint(
            model_name="personchange",
            name="change_names_roles_where_it_must",
        ),
        migrations.RemoveConstraint(
            model_name="personchange",
            name="change_is_decided_by_somebody",
        ),
        migrations.RemoveConstraint(
            model_name="personchange",
            name="change_is_asked_once",
        ),
        migrations.AddField(
            model_name="personchange",
            name="identity_kind",
            field=models.CharField(
                blank=True,
                choices=[
                    ("uuid", "UUID"),
                    ("email", "e-mail"),
                    ("telegram", "Telegram id"),
                    ("org", "organisation"),
                    ("other", "other id"),
                ],
                default="",
                db_default="",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="personchange",
            name="identity_system",
            field=models.TextField(blank=True, default="", db_default=""),
        ),
        migrations.AddField(
            model_name="personchange",
            name="identity_value",
            field=models.TextField(blank=True, default="", db_default=""),
        ),
        migrations.AlterField(
            model_name="personchange",
            name="kind",
            field=models.CharField(
                choices=[
                    ("admit", "admit"),
                    ("grant", "grant"),
                    ("revoke", "revoke"),
                    ("disable", "disable"),
                    ("enable", "enable"),
                    ("match", "match"),
                    ("unmatch", "unmatch"),
                ],
                max_length=10,
                verbose_name="change",
            ),
        ),
        migrations.AlterField(
            model_name="personchange",
            name="requested_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="personchange",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["admit", "grant", "revoke", "disable", "enable", "match", "unmatch"])),
                name="change_kind_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="personchange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind__in", ["disable", "enable", "match", "unmatch"]), ("roles", [])),
                    models.Q(
                        models.Q(("kind__in", ["disable", "enable", "match", "unmatch"]), _negated=True),
                        models.Q(("roles", []), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="change_names_roles_where_it_must",
            ),
        ),
        migrations.AddConstraint(
            model_name="personchange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at", None), ("decided_by", None), ("state", "pending")),
                    models.Q(
                        models.Q(("state", "pending"), _negated=True),
                        ("decided_at__isnull", False),
                        ("decided_by__isnull", False),
                    ),
                    models.Q(
                        ("decided_at__isnull", False),
                        ("kind", "revoke"),
                        ("requested_by", None),
                        ("state", "confirmed"),
                    ),
                    models.Q(("decided_at__isnull", False), ("requested_by", None), ("state", "withdrawn")),
                    _connector="OR",
                ),
                name="change_is_decided_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="personchange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("requested_by__isnull", False), ("kind__in", ["admit", "grant", "revoke"]), _connector="OR"
                ),
                name="change_of_the_directory_is_of_roles",
            ),
        ),
        migrations.AddConstraint(
            model_name="personchange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("identity_kind__in", ["uuid", "email", "telegram", "org", "other"]),
                        ("kind__in", ["match", "unmatch"]),
                        ("identity_value__regex", "^\\S(.*\\S)?$"),
                    ),
                    models.Q(
                        models.Q(("kind__in", ["match", "unmatch"]), _negated=True),
                        ("identity_kind", ""),
                        ("identity_system", ""),
                        ("identity_value", ""),
                    ),
                    _connector="OR",
                ),
                name="change_names_an_identity_where_it_must",
            ),
        ),
        migrations.AddConstraint(
            model_name="personchange",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "pending")),
                fields=("person", "kind", "identity_kind", "identity_system", "identity_value"),
                name="change_is_asked_once",
            ),
        ),
        migrations.AddField(
            model_name="sourceidentity",
            name="change",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.personchange"
            ),
        ),
        migrations.AddField(
            model_name="sourceidentity",
            name="person",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="identities", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddIndex(
            model_name="sourceidentity",
            index=models.Index(django.db.models.functions.text.Lower("value"), name="identity_by_value"),
        ),
        migrations.AddConstraint(
            model_name="sourceidentity",
            constraint=models.UniqueConstraint(
                models.F("person"),
                models.F("kind"),
                models.F("system"),
                django.db.models.functions.text.Lower("value"),
                name="identity_is_matched_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="sourceidentity",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["uuid", "email", "telegram", "org", "other"])),
                name="identity_kind_is_known",
            ),
        ),
        migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), UNDO),
    ]
