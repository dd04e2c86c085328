"""Whoever ends a login on PostgreSQL waits for the writers that have just seen it stand, raw SQL included.

So a row that is committed after a session ended, or an account was closed or got another password, is never sent
to it, without a query after the commit (incidents/logins.py). SQLite has one writer at a time.
"""

from django.db import migrations

LOCK = 1397314884
FUNCTION = "incidents_login_ends"
CHANGED = "(OLD.password, OLD.epoch, OLD.is_active) IS DISTINCT FROM (NEW.password, NEW.epoch, NEW.is_active)"
TRIGGERS = [
    ("django_session", "ended", "DELETE", "FOR EACH STATEMENT"),
    ("django_session", "shortened", "UPDATE", "FOR EACH ROW WHEN (NEW.expire_date < OLD.expire_date)"),
    ("accounts_user", "login", "UPDATE", f"FOR EACH ROW WHEN ({CHANGED})"),
]


def up(apps, editor):
    if editor.connection.vendor != "postgresql":
        return
    editor.execute(
        f"CREATE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$BEGIN PERFORM pg_advisory_xact_lock({LOCK}); RETURN NEW; END$$"
    )
    for table, name, event, each in TRIGGERS:
        editor.execute(
            f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {each} EXECUTE FUNCTION {FUNCTION}()"
        )


def down(apps, editor):
    if editor.connection.vendor != "postgresql":
        return
    for table, name, _, _ in TRIGGERS:
        editor.execute(f"DROP TRIGGER {table}_{name} ON {table}")
    editor.execute(f"DROP FUNCTION {FUNCTION}()")


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0010_comments"),
        ("accounts", "0004_plain_addresses"),
        ("sessions", "0001_initial"),
    ]
    operations = [migrations.RunPython(up, down)]
