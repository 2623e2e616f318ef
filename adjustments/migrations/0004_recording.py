"""Requests, decisions and lines record themselves: SQL, in the file of the same name."""

from pathlib import Path

from django.db import migrations

UNDO = """
drop trigger adjustments_record on public.adjustments_adjustment;
drop trigger adjustments_record on public.adjustments_decision;
drop trigger adjustments_record on public.adjustments_adjustmentline;
drop function public.adjustments_record_request(), public.adjustments_record_decision(),
    public.adjustments_record_line();
drop function public.adjustments_record(public.adjustments_adjustment, text, text, text, jsonb);
drop function public.adjustments_named(public.adjustments_adjustment, text),
    public.adjustments_told(public.adjustments_adjustment), public.adjustments_move_called(text, text);
drop function public.adjustments_line_told(public.adjustments_adjustmentline);
"""


class Migration(migrations.Migration):
    dependencies = [("adjustments", "0003_reversed"), ("audit", "0002_recording")]
    operations = [migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), UNDO)]
