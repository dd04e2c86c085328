from importlib import import_module

from django.db import migrations, models

hold = import_module("incidents.migrations.0005_legal_hold")

SECTIONS = {
    "classification": "Classification",
    "summary": "Summary",
    "timeline": "TimelineEntry",
    "indicators": "Indicator",
    "details": "Detail",
    "response": "ResponseEntry",
    "next_steps": "NextStep",
    "theories": "Theory",
    "lessons": "Lesson",
    "background": "BackgroundBlock",
    "comms": "Comm",
    "appendix": "Appendix",
}


def count(apps, schema_editor):
    """What each section counted up to so far."""
    numbers = {}
    for section, name in SECTIONS.items():
        rows = apps.get_model("incidents", name).objects.values_list("incident_id")
        for incident_id, top in rows.annotate(top=models.Max("number")).order_by():
            numbers.setdefault(incident_id, {})[section] = top
    incidents = apps.get_model("incidents", "Incident").objects
    for incident_id, counted in numbers.items():
        incidents.filter(pk=incident_id).update(numbers=counted)


def put_up_again(apps, schema_editor):
    """SQLite made the table anew for the column, without its triggers."""
    if schema_editor.connection.vendor == "sqlite":
        hold.up(apps, schema_editor)


class Migration(migrations.Migration):
    dependencies = [("incidents", "0006_comment_actions")]

    operations = [
        migrations.AddField(
            model_name="incident",
            name="numbers",
            field=models.JSONField(blank=True, default=dict, editable=False),
        ),
        migrations.RunPython(count, migrations.RunPython.noop),
        migrations.RunPython(put_up_again, migrations.RunPython.noop),
    ]
