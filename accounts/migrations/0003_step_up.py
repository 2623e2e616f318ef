import datetime
import uuid
from pathlib import Path

import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

UNDO = """
drop trigger accounts_no_truncate on public.accounts_stepup;
drop trigger accounts_guard_step_up on public.accounts_stepup;
drop function public.accounts_use_step_up(bigint, text, timestamptz, text), public.accounts_keep_step_ups(),
    public.accounts_guard_step_up();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_guards"),
    ]

    operations = [
        migrations.CreateModel(
            name="StepUp",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("about", models.TextField()),
                (
                    "method",
                    models.TextField(
                        choices=[
                            ("password", "password"),
                            ("totp", "code of the authenticator app"),
                            ("recovery", "recovery code"),
                            ("webauthn", "security key"),
                        ]
                    ),
                ),
                ("time_step", models.BigIntegerField(null=True)),
                ("passed_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("made_at", models.DateTimeField(editable=False, null=True)),
                ("used_at", models.DateTimeField(editable=False, null=True)),
                ("used_for", models.TextField(blank=True, default="", editable=False)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("used_at", None)), fields=["person", "about"], name="step_up_unused"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("method__in", ["password", "totp", "recovery", "webauthn"])),
                        name="step_up_method_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("about", ""), _negated=True), name="step_up_is_about_something"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("expires_at__gt", models.F("passed_at")),
                            (
                                "expires_at__lte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("passed_at"), "+", models.Value(datetime.timedelta(seconds=300))
                                ),
                            ),
                        ),
                        name="step_up_is_short",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("used_at", None), ("used_for", "")),
                            models.Q(("used_at__isnull", False), models.Q(("used_for", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="step_up_used_says_for_what",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("method", "totp"), ("time_step", None), _connector="OR"),
                        name="step_up_code_has_its_time_step",
                    ),
                    models.UniqueConstraint(fields=("person", "time_step"), name="step_up_code_serves_once"),
                ],
            },
        ),
        migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), UNDO),
    ]
