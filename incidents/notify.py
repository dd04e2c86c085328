"""Sends the letters that wait: codename and link, nothing else (SECURITY 13). Floor 7.

A letter is claimed before it is sent and tried again with longer pauses; each attempt carries the same
Message-ID, so that a mail program shows one that was sent twice only once.
"""

import logging
from collections import Counter
from smtplib import SMTPException, SMTPServerDisconnected
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from incidents import access, noticeboard
from incidents.incident import Incident
from incidents.invitations import AccessRequest, requests_for
from incidents.letters import Letter, post
from incidents.notices import Notice, NoticeKind
from incidents.vocabulary import Capability

log = logging.getLogger("sitroom.mail")
AT_ONCE = 50  # letters in one round

# Kind → subject and what the link leads to.
SUBJECTS = {
    Letter.Kind.INVITATION: "{codename}: you are invited",
    Letter.Kind.REQUEST: "{codename}: somebody asks to be let in",
    Letter.Kind.ATTEMPT: "{codename}: an invitation was refused",
    Letter.Kind.OFFER: "{codename}: you are asked to take command",
    Letter.Kind.HAND_OVER: "{codename}: command was handed over",
    Letter.Kind.BREAK_GLASS_ASKED: "{codename}: somebody asks for break-glass",
    Letter.Kind.BREAK_GLASS: "{codename}: break-glass is open",
}

# What a letter about one notice says; several are only counted.
TOLD = {
    NoticeKind.MENTION: "you are mentioned",
    NoticeKind.ASSIGNED: "a step is given to you",
    NoticeKind.COMMENT: "a comment for you",
    NoticeKind.DUE: "a step of yours is due",
    NoticeKind.OVERDUE: "a step of yours is overdue",
    NoticeKind.ACCEPTED: "your invitation is accepted",
    NoticeKind.COMMAND: "command was handed over",
    NoticeKind.CHECK: "something waits for you",
}

ABOUT_BREAK_GLASS = {Letter.Kind.BREAK_GLASS_ASKED, Letter.Kind.BREAK_GLASS}


def queue_requests() -> None:
    """Tell commanders of requests for access that reached them. Not done while asking: it would show in the time."""
    untold = AccessRequest.objects.filter(told_at=None, answered_at=None)
    for slug in set(untold.values_list("slug", flat=True)):
        incident = Incident.objects.select_related("commander").filter(slug=slug).first()
        if incident and requests_for(incident).filter(told_at=None).exists():
            told = access.holders(incident, Capability.PEOPLE)
            if not told:
                continue  # nobody commands: it waits for whoever does next
            post(incident, Letter.Kind.REQUEST, *(person.email for person in told))
        untold.filter(slug=slug).update(told_at=timezone.now())


def send_due() -> int:
    """Send what is due; how many letters went out."""
    sent = 0
    for letter in list(Letter.due().select_related("incident", "invitation__invited_by")[:AT_ONCE]):
        if letter.claim():
            try:
                sent += _send(letter)
            except OSError as error:  # no mail server: the others wait as well
                log.warning("mail cannot be sent: %s", type(error).__name__)
                break
            except Exception:  # one letter that cannot be made keeps no other from going out
                log.exception("a letter could not be made; it is dropped")
                letter.drop()
    return sent


def _send(letter: Letter) -> bool:
    message = None if letter.is_stale else _composed(letter)
    if message is None:
        letter.drop()
        return False
    try:
        message.send()
    except SMTPServerDisconnected:
        raise
    except SMTPException as error:  # about this letter; what is wrong with the server is for the caller
        log.warning("a letter could not be sent (attempt %d): %s", letter.tries + 1, type(error).__name__)
        return False
    letter.sent()
    return True


def _composed(letter: Letter) -> EmailMessage | None:
    """The mail; None when it has become pointless, such as an invitation that was withdrawn."""
    if letter.kind == Letter.Kind.NOTICES:
        return _told(letter)
    incident = letter.incident
    page = "break-glass" if letter.kind in ABOUT_BREAK_GLASS else "people"
    path = reverse(page, args=[incident.slug])
    if letter.kind == Letter.Kind.INVITATION:
        if letter.invitation is None or not incident.stands(letter.invitation):
            return None
        path = reverse("invitation-link", args=[letter.invitation.token()])
    elif letter.to not in {person.email for person in access.holders(incident, Capability.SUMMARY)}:
        return None
    context = {"codename": incident.codename, "link": settings.BASE_URL + path, "kind": letter.kind}
    subject = SUBJECTS[Letter.Kind(letter.kind)].format(codename=incident.codename)
    return _mail(letter, subject, render_to_string("mail/letter.txt", context))


def _told(letter: Letter) -> EmailMessage | None:
    """The mail about notices: codenames, numbers and links. What was read meanwhile, or is closed now, is left out."""
    notices = list(
        letter.notices.filter(read_at=None).select_related("incident", "user").order_by("created_at")
    )
    if not notices:
        return None
    held = access.held_in({notice.incident_id for notice in notices}, notices[0].user)
    entries = noticeboard.entries_of(notices)
    notices = [
        notice
        for notice in notices
        if noticeboard.is_open(notice, held.get(notice.incident_id, frozenset()), entries)
        and noticeboard.still_matters(notice, entries)
    ]
    if not notices:
        return None
    lines = _one(notices[0]) if len(notices) == 1 else _many(notices)
    subject = lines[0]["words"] if len(lines) == 1 else f"{len(notices)} notices in {len(lines)} incidents"
    return _mail(letter, subject, render_to_string("mail/notices.txt", {"lines": lines}))


def _one(notice: Notice) -> list[dict]:
    words = f"{notice.incident.codename}: {TOLD[NoticeKind(notice.kind)]}"
    return [{"words": words, "link": settings.BASE_URL + noticeboard.path(notice)}]


def _many(notices: list[Notice]) -> list[dict]:
    counted = Counter(notice.incident for notice in notices)
    return [
        {
            "words": f"{incident.codename}: {number} notice{'' if number == 1 else 's'}",
            "link": settings.BASE_URL + reverse("document", args=[incident.slug]),
        }
        for incident, number in sorted(counted.items(), key=lambda one: one[0].codename)
    ]


def _mail(letter: Letter, subject: str, text: str) -> EmailMessage:
    return EmailMessage(
        subject,
        text,
        to=[letter.to],
        headers={
            "Message-ID": f"<{letter.pk}@{urlsplit(settings.BASE_URL).hostname}>",
            "Auto-Submitted": "auto-generated",
        },
    )
