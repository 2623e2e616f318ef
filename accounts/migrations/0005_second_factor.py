from pathlib import Path

from django.db import migrations, models

UNDO = """
drop trigger accounts_keep_second_factor on public.mfa_authenticator;
drop trigger accounts_count_second_factor on public.accounts_person;
drop function public.accounts_keep_second_factor(), public.accounts_count_second_factor(),
    public.accounts_has_second_factor(bigint);
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_recording"), ("mfa", "0003_authenticator_type_uniq")]
    operations = [
        migrations.AddField("person", "second_factor", models.BooleanField(default=False, editable=False)),
        migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), UNDO),
    ]
