"""Sends the letters that wait: codename and link, nothing else (SECURITY 13). Floor 7.

A letter is claimed before it is sent and tried again with longer pauses; each attempt carries the same
Message-ID, so that a mail program shows one that was sent twice only once.
"""

import logging
from datetime import timedelta
from smtplib import SMTPException, SMTPServerDisconnected
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import F
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from incidents import access
from incidents.incident import Incident
from incidents.invitations import AccessRequest, requests_for
from incidents.letters import Letter, post
from incidents.vocabulary import Capability

log = logging.getLogger("sitroom.mail")
PAUSES = [timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 30, 60)]  # the last one again and again
GIVE_UP = timedelta(days=2)
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
    due = Letter.objects.filter(sent_at=None, dropped_at=None, due_at__lte=timezone.now())
    for letter in list(due.select_related("incident", "invitation__invited_by")[:AT_ONCE]):
        pause = PAUSES[min(letter.tries, len(PAUSES) - 1)]
        claimed = Letter.objects.filter(pk=letter.pk, tries=letter.tries, sent_at=None).update(
            tries=F("tries") + 1, due_at=timezone.now() + pause
        )
        if claimed:
            try:
                sent += _send(letter)
            except OSError as error:  # no mail server: the others wait as well
                log.warning("mail cannot be sent: %s", type(error).__name__)
                break
            except Exception:  # one letter that cannot be made keeps no other from going out
                log.exception("a letter could not be made; it is dropped")
                _drop(letter)
    return sent


def _send(letter: Letter) -> bool:
    message = _composed(letter)
    if message is None or timezone.now() - letter.queued_at > GIVE_UP:
        _drop(letter)
        return False
    try:
        message.send()
    except SMTPServerDisconnected:
        raise
    except SMTPException as error:  # about this letter; what is wrong with the server is for the caller
        log.warning("a letter could not be sent (attempt %d): %s", letter.tries + 1, type(error).__name__)
        return False
    Letter.objects.filter(pk=letter.pk).update(sent_at=timezone.now())
    return True


def _drop(letter: Letter) -> None:
    Letter.objects.filter(pk=letter.pk).update(dropped_at=timezone.now())


def _composed(letter: Letter) -> EmailMessage | None:
    """The mail; None when it has become pointless, such as an invitation that was withdrawn."""
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
    return EmailMessage(
        SUBJECTS[Letter.Kind(letter.kind)].format(codename=incident.codename),
        render_to_string("mail/letter.txt", context),
        to=[letter.to],
        headers={
            "Message-ID": f"<{letter.pk}@{urlsplit(settings.BASE_URL).hostname}>",
            "Auto-Submitted": "auto-generated",
        },
    )
