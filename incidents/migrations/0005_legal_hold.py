"""While a legal hold stands, the database itself refuses to delete the incident, raw SQL included."""

from django.db import migrations

TABLE = "incidents_incident"
REFUSAL = "the incident is on legal hold"

SQLITE = [
    (
        f"CREATE TRIGGER {TABLE}_hold BEFORE DELETE ON {TABLE} WHEN OLD.hold_since IS NOT NULL "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
        f"DROP TRIGGER {TABLE}_hold",
    ),
]
POSTGRESQL = [
    (
        f"CREATE FUNCTION {TABLE}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$BEGIN RAISE EXCEPTION '{REFUSAL}'; END$$",
        f"DROP FUNCTION {TABLE}_refuse()",
    ),
    (
        f"CREATE TRIGGER {TABLE}_hold BEFORE DELETE ON {TABLE} FOR EACH ROW "
        f"WHEN (OLD.hold_since IS NOT NULL) EXECUTE FUNCTION {TABLE}_refuse()",
        f"DROP TRIGGER {TABLE}_hold ON {TABLE}",
    ),
]


def triggers(vendor: str) -> list[tuple[str, str]]:
    """Pairs of SQL that put the trigger up and take it down, for sqlite or postgresql."""
    return SQLITE if vendor == "sqlite" else POSTGRESQL


def up(apps, editor):
    for create, _ in triggers(editor.connection.vendor):
        editor.execute(create)


def down(apps, editor):
    for _, drop in reversed(triggers(editor.connection.vendor)):
        editor.execute(drop)


class Migration(migrations.Migration):
    dependencies = [("incidents", "0004_new_capabilities")]
    operations = [migrations.RunPython(up, down)]
