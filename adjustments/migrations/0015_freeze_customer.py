from pathlib import Path

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("adjustments", "0014_recovery")]
    # What was before does the same, more slowly: there is nothing to undo.
    operations = [
        migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), migrations.RunSQL.noop)
    ]
