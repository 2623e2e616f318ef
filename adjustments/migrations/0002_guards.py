"""What no path may do to an adjustment is SQL, in the file of the same name."""

from pathlib import Path

from django.db import migrations

UNDO = """
drop trigger adjustments_guard on public.adjustments_adjustment;
drop trigger adjustments_guard on public.adjustments_adjustmentline;
drop trigger adjustments_guard on public.adjustments_revision;
drop trigger adjustments_guard on public.adjustments_decision;
drop trigger adjustments_guard on public.adjustments_contributor;
drop trigger adjustments_agreement on public.adjustments_adjustment;
drop trigger adjustments_agreement on public.adjustments_adjustmentline;
drop trigger adjustments_no_truncate on public.adjustments_adjustment;
drop trigger adjustments_no_truncate on public.adjustments_adjustmentline;
drop trigger adjustments_no_truncate on public.adjustments_revision;
drop trigger adjustments_no_truncate on public.adjustments_decision;
drop trigger adjustments_no_truncate on public.adjustments_contributor;
drop function public.adjustments_guard_request(), public.adjustments_guard_line(), public.adjustments_guard_revision(),
    public.adjustments_guard_decision(), public.adjustments_guard_contributor(),
    public.adjustments_check_agreement(), public.adjustments_refuse_truncate();
drop function public.adjustments_agree(uuid), public.adjustments_approvals(uuid, integer, text),
    public.adjustments_two_asked(uuid, integer, integer, text), public.adjustments_may_move(text, text);
drop function public.adjustments_had_a_hand(uuid, bigint), public.adjustments_refuse(text, text);
"""


class Migration(migrations.Migration):
    dependencies = [("adjustments", "0001_initial"), ("accounts", "0002_guards")]
    operations = [migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), UNDO)]
