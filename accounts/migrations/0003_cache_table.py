"""The table of the cache, which holds the counts of attempts for all processes."""

from django.core.management import call_command
from django.db import migrations


def make(apps, schema_editor) -> None:
    call_command("createcachetable", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_sessions_end")]

    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
