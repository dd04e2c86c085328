"""Notices as their reader may see them now. Floor 6."""

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Q, QuerySet
from django.urls import reverse

from incidents import access
from incidents.incident import Incident
from incidents.ledger import COMMENT_ACTIONS
from incidents.notices import Notice, NoticeKind
from incidents.sections import SECTIONS
from incidents.vocabulary import Capability

SENTENCES = {
    NoticeKind.MENTION: "{by} mentioned you in {where}",
    NoticeKind.ASSIGNED: "{by} gave {where} to you",
    NoticeKind.COMMENT: "{by} commented on {where}",
    NoticeKind.DUE: "{where} is due within the hour",
    NoticeKind.OVERDUE: "{where} is overdue",
    NoticeKind.ACCEPTED: "{by} accepted your invitation",
    NoticeKind.COMMAND: "{by} passed command on, or took it",
    NoticeKind.CHECK: "Something waits for you as commander",
}
ABOUT_STEPS = {NoticeKind.ASSIGNED, NoticeKind.DUE, NoticeKind.OVERDUE}
PAGES = {NoticeKind.ACCEPTED: "people", NoticeKind.COMMAND: "people"}


def shown(user) -> QuerySet[Notice]:
    """What this person is told of, newest first: nothing of an incident, or an entry, that they may not read now."""
    reads = access.opened(Incident.objects.all(), user, Capability.READ)
    counsel = access.visible(Incident.objects.all(), user, Capability.PRIVILEGED)
    commands = access.visible(Incident.objects.all(), user, Capability.COMMAND)
    rows = Notice.objects.filter(user=user, hidden=False, incident__in=reads.values("pk"))
    rows = rows.filter(Q(privileged=False) | Q(incident__in=counsel.values("pk")))
    return rows.filter(~Q(kind=NoticeKind.CHECK) | Q(incident__in=commands.values("pk")))


def unread(user) -> int:
    """How many of them were not read; one query."""
    return shown(user).filter(read_at=None).count()


def is_open(notice: Notice, held: frozenset[str], entries: dict) -> bool:
    """Whether somebody who holds these capabilities may be told of it now."""
    if Capability.READ not in held or (notice.kind == NoticeKind.CHECK and Capability.COMMAND not in held):
        return False
    if notice.entry_id is None:
        return True
    entry = entries.get(notice.entry_id)
    if entry is None or entry.hidden:
        return False
    return not (entry.privileged or notice.privileged) or Capability.PRIVILEGED in held


def still_matters(notice: Notice, entries: dict) -> bool:
    """Whether a mail about it is worth sending: not about a step that is done, or somebody else's, meanwhile."""
    if notice.kind not in ABOUT_STEPS:
        return True
    step = entries[notice.entry_id]
    return step.is_open and step.assignee_id == notice.user_id


def entries_of(notices: Iterable[Notice]) -> dict:
    """Id → entry for the entries that notices are about; a query for each section."""
    wanted = defaultdict(set)
    for notice in notices:
        if notice.entry_id:
            wanted[notice.section].add(notice.entry_id)
    found: dict = {}
    for name, ids in wanted.items():
        rows = SECTIONS[name].model._default_manager.filter(pk__in=ids)
        found |= {entry.pk: entry for entry in rows.defer("rendered")}
    return found


def sentence(notice: Notice, entries: dict) -> str:
    """What is said of it in the list: who, what kind, and the reference of the entry."""
    where = ""
    if notice.entry_id:
        section = SECTIONS[notice.section]
        where = section.reference(entries[notice.entry_id]) if section.many else section.title
    by = notice.by.display_name if notice.by else ""
    return SENTENCES[NoticeKind(notice.kind)].format(by=by, where=where)


def path(notice: Notice) -> str:
    """Where it leads: the document at the entry, or the page about people."""
    page = reverse(PAGES.get(NoticeKind(notice.kind), "document"), args=[notice.incident.slug])
    if not notice.entry_id:
        return page
    if _is_about_talk(notice):
        return f"{page}#talk-{notice.entry_id}"
    many = SECTIONS[notice.section].many
    return f"{page}#{notice.section}-{notice.entry_id}" if many else f"{page}#{notice.section}"


def _is_about_talk(notice: Notice) -> bool:
    """Whether it comes of something that was said about the entry."""
    rows = notice.incident.changes.filter(revision=notice.revision, action__in=COMMENT_ACTIONS)
    return notice.revision is not None and rows.exists()
