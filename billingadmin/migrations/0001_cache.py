from django.core.management import call_command
from django.db import migrations


def create_cache_table(apps, schema_editor):
    call_command("createcachetable", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    """The cache that all processes share. Not a model's table: Django reads and writes it by its name."""

    initial = True
    operations = [migrations.RunPython(create_cache_table, migrations.RunPython.noop, elidable=False)]
