"""The ledger is append-only: the database itself refuses UPDATE, DELETE and TRUNCATE, raw SQL included."""

from django.db import migrations

TABLE = "incidents_change"
REFUSAL = "the ledger is append-only"

SQLITE = [
    (
        f"CREATE TRIGGER {TABLE}_no_{verb.lower()} BEFORE {verb} ON {TABLE} "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
        f"DROP TRIGGER {TABLE}_no_{verb.lower()}",
    )
    for verb in ("UPDATE", "DELETE")
] + [
    (  # INSERT OR REPLACE removes a row without firing the trigger on DELETE
        f"CREATE TRIGGER {TABLE}_no_replace BEFORE INSERT ON {TABLE} "
        f"WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE id = NEW.id "
        "OR (incident_id = NEW.incident_id AND revision = NEW.revision)) "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
        f"DROP TRIGGER {TABLE}_no_replace",
    ),
]
POSTGRESQL = [
    (
        f"CREATE FUNCTION {TABLE}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$BEGIN RAISE EXCEPTION '{REFUSAL}'; END$$",
        f"DROP FUNCTION {TABLE}_refuse()",
    ),
    (
        f"CREATE TRIGGER {TABLE}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {TABLE}_refuse()",
        f"DROP TRIGGER {TABLE}_append_only ON {TABLE}",
    ),
]


def triggers(vendor: str) -> list[tuple[str, str]]:
    """Pairs of SQL that put the triggers up and take them down, for sqlite or postgresql."""
    return SQLITE if vendor == "sqlite" else POSTGRESQL


def up(apps, editor):
    for create, _ in triggers(editor.connection.vendor):
        editor.execute(create)


def down(apps, editor):
    for _, drop in reversed(triggers(editor.connection.vendor)):
        editor.execute(drop)


class Migration(migrations.Migration):
    dependencies = [("incidents", "0001_initial")]
    operations = [migrations.RunPython(up, down)]
