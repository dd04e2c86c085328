"""The incidents application."""

from django.apps import AppConfig
from django.core import checks


class IncidentsConfig(AppConfig):
    """The living document."""

    name = "incidents"

    def ready(self) -> None:
        from incidents import gate

        checks.register(gate.every_incident_view_is_gated)
