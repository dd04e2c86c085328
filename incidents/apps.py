"""The incidents application."""

from django.apps import AppConfig
from django.core import checks


class IncidentsConfig(AppConfig):
    """The living document."""

    name = "incidents"

    def ready(self) -> None:
        from accounts import closing
        from incidents import door, gate, rendering
        from incidents.incident import account_closed, why_not_close

        checks.register(gate.every_incident_view_is_gated)
        door.dressers.append(rendering.write_body)
        closing.vetoes.append(why_not_close)
        closing.endings.append(account_closed)
