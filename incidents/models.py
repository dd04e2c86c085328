"""An index for Django: every model of this application. Import them from their own modules."""

from incidents.incident import Incident
from incidents.ledger import Change
from incidents.people import Acknowledgement, IncidentGrant, NoGroupGrant, Participant
from incidents.reading import AccessRecord
from incidents.sections import SECTIONS

__all__ = [
    "SECTIONS",
    "AccessRecord",
    "Acknowledgement",
    "Change",
    "Incident",
    "IncidentGrant",
    "NoGroupGrant",
    "Participant",
]
