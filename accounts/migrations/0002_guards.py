from pathlib import Path

from django.db import migrations

UNDO = """
drop trigger accounts_keep_two_admins on public.accounts_person;
drop trigger accounts_guard_person on public.accounts_person;
drop trigger accounts_keep_admin_apart on public.accounts_rolegrant;
drop trigger accounts_guard_grant on public.accounts_rolegrant;
drop trigger accounts_guard_change on public.accounts_personchange;
drop function public.accounts_keep_two_admins(), public.accounts_guard_person(), public.accounts_keep_admin_apart(),
    public.accounts_guard_grant(), public.accounts_guard_change(), public.accounts_two_admins_remain(),
    public.accounts_confirmed_now(bigint, text[], text), public.accounts_is_admin(bigint), public.accounts_founding();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), UNDO)]
