import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import accounts.models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Person",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("email", models.EmailField(max_length=254, unique=True, verbose_name="e-mail")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                (
                    "zone",
                    models.CharField(default=accounts.models.default_zone, max_length=64, verbose_name="time zone"),
                ),
                (
                    "language",
                    models.CharField(
                        choices=[("en", "English"), ("ja", "日本語")],
                        default=accounts.models.default_language,
                        max_length=2,
                        verbose_name="language",
                    ),
                ),
                (
                    "theme",
                    models.CharField(
                        choices=[("auto", "as the device"), ("light", "light"), ("dark", "dark")],
                        default="auto",
                        max_length=5,
                        verbose_name="theme",
                    ),
                ),
                ("is_active", models.BooleanField(default=False, verbose_name="active")),
                ("created_at", models.DateTimeField(verbose_name="since")),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("email", django.db.models.functions.text.Lower("email"))),
                        name="person_email_is_lower_case",
                    ),
                    models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="person_has_a_name"),
                    models.CheckConstraint(
                        condition=models.Q(("language__in", ["en", "ja"])), name="person_language_is_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("theme__in", ["auto", "light", "dark"])), name="person_theme_is_known"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PersonChange",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("admit", "admit"),
                            ("grant", "grant"),
                            ("revoke", "revoke"),
                            ("disable", "disable"),
                            ("enable", "enable"),
                        ],
                        max_length=10,
                        verbose_name="change",
                    ),
                ),
                (
                    "roles",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("support", "support"),
                                ("approver", "approver"),
                                ("manager", "manager"),
                                ("auditor", "auditor"),
                                ("admin", "admin"),
                            ],
                            max_length=10,
                        ),
                        default=list,
                        size=None,
                    ),
                ),
                ("reason", models.TextField(verbose_name="reason")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "waits for a second admin"),
                            ("confirmed", "confirmed"),
                            ("refused", "refused"),
                            ("withdrawn", "withdrawn"),
                        ],
                        default="pending",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("requested_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(null=True)),
                ("confirmed_in", models.BigIntegerField(editable=False, null=True)),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="changes", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RoleGrant",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("support", "support"),
                            ("approver", "approver"),
                            ("manager", "manager"),
                            ("auditor", "auditor"),
                            ("admin", "admin"),
                        ],
                        max_length=10,
                        verbose_name="role",
                    ),
                ),
                ("granted_at", models.DateTimeField()),
                (
                    "change",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="grants",
                        to="accounts.personchange",
                    ),
                ),
                (
                    "granted_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="grants", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["role"],
            },
        ),
        migrations.AddConstraint(
            model_name="personchange",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["admit", "grant", "revoke", "disable", "enable"])),
                name="change_kind_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="personchange",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["pending", "confirmed", "refused", "withdrawn"])),
                name="change_state_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="personchange",
            constraint=models.CheckConstraint(
                condition=models.Q(("roles__contained_by", ["support", "approver", "manager", "auditor", "admin"])),
                name="change_roles_are_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="personchange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind__in", ["disable", "enable"]), ("roles", [])),
                    models.Q(
                        models.Q(("kind__in", ["disable", "enable"]), _negated=True),
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
                condition=models.Q(("reason", ""), _negated=True), name="change_has_a_reason"
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
                    _connector="OR",
                ),
                name="change_is_decided_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="personchange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "confirmed"), _negated=True),
                    models.Q(
                        models.Q(("decided_by", models.F("requested_by")), _negated=True),
                        models.Q(("decided_by", models.F("person")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="change_is_confirmed_by_a_second_admin",
            ),
        ),
        migrations.AddConstraint(
            model_name="personchange",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "pending")), fields=("person", "kind"), name="change_is_asked_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="rolegrant",
            constraint=models.UniqueConstraint(fields=("person", "role"), name="role_is_granted_once"),
        ),
        migrations.AddConstraint(
            model_name="rolegrant",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["support", "approver", "manager", "auditor", "admin"])),
                name="role_is_known",
            ),
        ),
    ]
