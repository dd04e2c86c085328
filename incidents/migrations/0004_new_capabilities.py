"""The people of incidents that exist get the new capabilities of their roles."""

from django.db import migrations

NEW = {
    "vouch": ("asks for and approves break-glass", ["commander", "responder", "legal"]),
    "oversee": ("reads the register, decides who reads privileged entries", ["commander", "legal"]),
}


def give(apps, editor):
    permissions = apps.get_model("auth", "Permission").objects
    types = apps.get_model("contenttypes", "ContentType").objects
    participants = apps.get_model("incidents", "Participant").objects
    grants = apps.get_model("incidents", "IncidentGrant").objects
    incident_type, _ = types.get_or_create(app_label="incidents", model="incident")
    for codename, (name, roles) in NEW.items():
        permission, _ = permissions.get_or_create(
            content_type=incident_type, codename=codename, defaults={"name": name}
        )
        for participant in participants.filter(role__in=roles):
            grants.get_or_create(
                content_object_id=participant.incident_id, user_id=participant.user_id, permission=permission
            )


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0003_people"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(give, migrations.RunPython.noop)]
