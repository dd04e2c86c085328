"""The field's own words: roles and what they may do, statuses, phases, precisions, labels.

Floor 0: imports nothing of this application.
"""

from django.db import models


class Capability(models.TextChoices):
    """What one individual may do in one incident. Stored as guardian permissions on Incident."""

    SUMMARY = "summary", "reads the summary"
    READ = "read", "reads the document"
    WRITE = "write", "writes"
    EXPORT = "export", "downloads the report"
    PRIVILEGED = "privileged", "reads entries prepared at the request of counsel"
    PEOPLE = "people", "lets people in and out"
    COMMAND = "command", "sets status and classification, hands over"
    HOLD = "hold", "sets a legal hold"
    VOUCH = "vouch", "asks for and approves break-glass"
    OVERSEE = "oversee", "reads the register, decides who reads privileged entries"


class Role(models.TextChoices):
    """The fixed bundles; exactly one commander at any time."""

    COMMANDER = "commander", "Commander"
    RESPONDER = "responder", "Responder"
    READER = "reader", "Reader"
    EXECUTIVE = "executive", "Executive"
    LEGAL = "legal", "Legal"


C = Capability
BUNDLES: dict[str, frozenset[str]] = {
    Role.COMMANDER: frozenset(
        {C.SUMMARY, C.READ, C.WRITE, C.EXPORT, C.PRIVILEGED, C.PEOPLE, C.COMMAND} | {C.VOUCH, C.OVERSEE}
    ),
    Role.RESPONDER: frozenset({C.SUMMARY, C.READ, C.WRITE, C.VOUCH}),
    Role.READER: frozenset({C.SUMMARY, C.READ}),
    Role.EXECUTIVE: frozenset({C.SUMMARY}),
    Role.LEGAL: frozenset({C.SUMMARY, C.READ, C.EXPORT, C.PRIVILEGED, C.HOLD, C.VOUCH, C.OVERSEE}),
}

# Roles to which the right to export and the sight of privileged entries may be added.
EXTRAS_ARE_OPTIONAL = frozenset({Role.RESPONDER, Role.READER})

SEES = {
    Role.COMMANDER: "Everything. Invites, hands over, closes",
    Role.RESPONDER: "Everything but privileged entries. Writes",
    Role.READER: "Everything but privileged entries",
    Role.EXECUTIVE: "The summary only",
    Role.LEGAL: "Everything. Downloads the report",
}
SEES_PRIVILEGED = {
    Role.RESPONDER: "Everything, privileged entries included. Writes",
    Role.READER: "Everything, privileged entries included",
}


def capabilities_of(role: str, may_export: bool = False, reads_privileged: bool = False) -> frozenset[str]:
    """The capabilities of a role, with what was added for one person where the role allows it."""
    bundle = BUNDLES[role]
    if role in EXTRAS_ARE_OPTIONAL:
        bundle |= {C.EXPORT} if may_export else set()
        bundle |= {C.PRIVILEGED} if reads_privileged else set()
    return bundle


def sees(role: str, may_export: bool = False, reads_privileged: bool = False) -> str:
    """What somebody in this role sees and may do, in one line."""
    held = capabilities_of(role, may_export, reads_privileged)
    line = (SEES_PRIVILEGED if C.PRIVILEGED in held else SEES).get(Role(role), SEES[Role(role)])
    return f"{line}. Downloads the report" if C.EXPORT in held - BUNDLES[role] else line


class Audience(models.TextChoices):
    """The three cuts of a document: each message is rendered once for each of them."""

    SUMMARY = "summary", "Summary only"
    DOCUMENT = "document", "Document"
    PRIVILEGED = "privileged", "Document with privileged entries"


class Status(models.TextChoices):
    """Where the incident stands, in order."""

    INVESTIGATING = "investigating", "Investigating"
    CONTAINED = "contained", "Contained"
    ERADICATED = "eradicated", "Eradicated"
    RECOVERED = "recovered", "Recovered"
    CLOSED = "closed", "Closed"


class Severity(models.TextChoices):
    LOW = "low", "Low"
    MEDIUM = "medium", "Medium"
    HIGH = "high", "High"
    CRITICAL = "critical", "Critical"


class Precision(models.TextChoices):
    """How exactly a time is known."""

    SECOND = "second", "to the second"
    MINUTE = "minute", "to the minute"
    HOUR = "hour", "to the hour"
    DAY = "day", "day only"


class Milestone(models.TextChoices):
    STARTED = "started", "Started"
    DETECTED = "detected", "Detected"
    DECLARED = "declared", "Declared"
    CONTAINED = "contained", "Contained"
    ERADICATED = "eradicated", "Eradicated"
    RECOVERED = "recovered", "Recovered"


class Phase(models.TextChoices):
    """The seven phases of the intrusion kill chain (Hutchins, Cloppert, Amin, 2011)."""

    RECONNAISSANCE = "reconnaissance", "Reconnaissance"
    WEAPONIZATION = "weaponization", "Weaponisation"
    DELIVERY = "delivery", "Delivery"
    EXPLOITATION = "exploitation", "Exploitation"
    INSTALLATION = "installation", "Installation"
    COMMAND_AND_CONTROL = "command-and-control", "Command & control"
    ACTIONS = "actions-on-objectives", "Actions on objectives"


class Tlp(models.TextChoices):
    """Traffic Light Protocol 2.0 (FIRST, 2022)."""

    CLEAR = "clear", "TLP:CLEAR"
    GREEN = "green", "TLP:GREEN"
    AMBER = "amber", "TLP:AMBER"
    AMBER_STRICT = "amber+strict", "TLP:AMBER+STRICT"
    RED = "red", "TLP:RED"


# What the label asks of whoever reads it, for people who have never seen one.
TLP_MEANS = {
    Tlp.CLEAR: "It may be passed on freely.",
    Tlp.GREEN: "It may be passed on among people who defend against such incidents, never in public.",
    Tlp.AMBER: "It may be passed on inside the organisation and to its clients, to those who need to know it.",
    Tlp.AMBER_STRICT: "It may be passed on inside the organisation only, to those who need to know it.",
    Tlp.RED: "It is for your eyes and ears only. It is passed on to nobody.",
}


class IndicatorType(models.TextChoices):
    IPV4 = "ipv4", "IPv4"
    IPV6 = "ipv6", "IPv6"
    DOMAIN = "domain", "Domain"
    HOSTNAME = "hostname", "Host name"
    URL = "url", "URL"
    EMAIL = "email", "E-mail"
    MD5 = "md5", "MD5"
    SHA1 = "sha1", "SHA-1"
    SHA256 = "sha256", "SHA-256"
    CVE = "cve", "CVE"
    FILENAME = "filename", "File"
    ACCOUNT = "account", "Account"
    USER_AGENT = "user-agent", "User agent"
    OTHER = "other", "Other"


class IndicatorRole(models.TextChoices):
    ATTACKER = "attacker", "Attacker"
    VICTIM = "victim", "Victim"
    OWN_ASSET = "own asset", "Own asset"
    TOOL = "tool", "Tool"


class IndicatorStatus(models.TextChoices):
    UNDECIDED = "", "Not decided"
    TO_BLOCK = "to block", "To block"
    BLOCKED = "blocked", "Blocked"
    BENIGN = "benign", "Benign"


class ResponseKind(models.TextChoices):
    INVESTIGATE = "investigate", "Investigate"
    CONTAIN = "contain", "Contain"
    ERADICATE = "eradicate", "Eradicate"
    RECOVER = "recover", "Recover"
    COMMUNICATE = "communicate", "Communicate"


class StepState(models.TextChoices):
    OPEN = "open", "Open"
    DOING = "doing", "Doing"
    DONE = "done", "Done"
    DROPPED = "dropped", "Dropped"


class Priority(models.TextChoices):
    LOW = "low", "Low"
    NORMAL = "normal", "Normal"
    HIGH = "high", "High"
    URGENT = "urgent", "Urgent"


class TheoryState(models.TextChoices):
    OPEN = "open", "Open"
    PURSUING = "pursuing", "Pursuing"
    RULED_OUT = "ruled out", "Ruled out"
    CONFIRMED = "confirmed", "Confirmed"


class Becomes(models.TextChoices):
    """What the review makes of a lesson; empty means that nobody has reviewed it."""

    RAW = "", "Not reviewed"
    PLAYBOOK = "playbook", "Playbook change"
    INITIATIVE = "initiative", "Initiative"
    NONE = "none", "Nothing"


class CommsState(models.TextChoices):
    DRAFT = "draft", "Draft"
    IN_REVIEW = "in review", "In review"
    APPROVED = "approved", "Approved"
    SENT = "sent", "Sent"


class AppendixKind(models.TextChoices):
    EXTRACT = "extract", "Extract"
    FILE = "file", "File"
    SOURCE = "source", "Source"
    NOTE = "note", "Note on this record"
