"""An index for Django: every model of this application. Import them from their own modules."""

from incidents.comments import Comment
from incidents.hooks import HookCall, Webhook
from incidents.incident import Incident
from incidents.invitations import AccessRequest, Attempt, Block, Invitation
from incidents.ledger import Change
from incidents.letters import Letter
from incidents.looking import Looked
from incidents.notices import Choices, Notice, Told
from incidents.people import Acknowledgement, IncidentGrant, NoGroupGrant, Participant
from incidents.reading import AccessRecord
from incidents.sections import SECTIONS
from incidents.succession import BreakGlass, Offer

__all__ = [
    "SECTIONS",
    "AccessRecord",
    "AccessRequest",
    "Acknowledgement",
    "Attempt",
    "Block",
    "BreakGlass",
    "Change",
    "Choices",
    "Comment",
    "HookCall",
    "Incident",
    "IncidentGrant",
    "Invitation",
    "Letter",
    "Looked",
    "NoGroupGrant",
    "Notice",
    "Offer",
    "Participant",
    "Told",
    "Webhook",
]
