"""The pages of a document: list, start, document, summary, acknowledgement, settings."""

import threading
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from config.precedence import Gently, Patience
from incidents import access, conversation, reading, rendering
from incidents import checks as commander_checks
from incidents.converters import whole_number
from incidents.door import Impossible
from incidents.forms import SettingsForm, StartForm
from incidents.gate import by_method, requires
from incidents.incident import Incident
from incidents.invitations import Invitation
from incidents.news import news
from incidents.people import Acknowledgement
from incidents.sections import SECTIONS
from incidents.views.responses import is_fragment, undoable
from incidents.vocabulary import Capability, Status


class AuthenticatedHttpRequest(HttpRequest):
    """A request of somebody who signed in; the middleware lets nobody else through."""

    user: User


NEWEST = 100  # entries of a section that the page sends at first
# Long documents are drawn one after the other: side by side they take as long, and who writes waits for all of them.
_turn = threading.Lock()


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """The incidents that this person is part of."""
    mine = Incident.objects.visible_to(request.user).select_related("commander")
    accepted = dict(
        Acknowledgement.objects.filter(user=request.user)
        .order_by("revision")
        .values_list("incident_id", "revision")
    )
    rows = list(mine)
    read = set(
        access.visible(Incident.objects.all(), request.user, Capability.READ).values_list("pk", flat=True)
    )
    told = dict(
        SECTIONS["summary"]
        .model._default_manager.filter(incident__in=rows)
        .values_list("incident_id", "changed_at")
    )
    for incident in rows:
        incident.opened = accepted.get(incident.pk, -1) >= incident.classification_revision
        # The title and the document's last change are no part of the summary.
        incident.titled = incident.opened and incident.pk in read
        incident.moved = (
            incident.updated_at if incident.titled else told.get(incident.pk) if incident.opened else None
        )
    invited = access.standing_invitations(Invitation.objects.filter(email=request.user.email))
    context = {
        "invited": list(invited.select_related("incident", "invited_by")),
        "open": [incident for incident in rows if incident.status != Status.CLOSED],
        "closed": [incident for incident in rows if incident.status == Status.CLOSED],
    }
    return render(request, "incidents/index.html", context)


@require_http_methods(["GET", "POST"])
def start(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Start an incident: a title is enough."""
    form = StartForm(request.POST or None, by=request.user)
    if request.method == "POST" and form.is_valid():
        return redirect("document", form.start().slug)
    return render(request, "incidents/start.html", {"form": form}, status=422 if form.is_bound else 200)


@require_GET
@requires(Capability.SUMMARY)
def document(request: HttpRequest, incident) -> HttpResponse:
    """The living document; an executive is sent to the summary."""
    if Capability.READ not in incident.held:
        return redirect("summary", incident.slug)
    reading.record(incident, request.user, reading.AccessRecord.Kind.DOCUMENT)
    with _turn:
        return _document(request, incident, None if "all" in request.GET else NEWEST)


def _document(request: HttpRequest, incident, limit: int | None) -> HttpResponse:
    sections = rendering.document(incident, incident.audience, limit)
    everything = [entry for listed in sections for entry in listed.entries]
    conversation.attach(incident, incident.audience, everything)
    patience = Patience()
    for listed in sections:
        listed.groups = [(key, label, Gently(entries, patience)) for key, label, entries in listed.groups]
    rail: list[Any] = [
        entry for listed in sections if listed.section.in_rail for entry in listed.groups[0][2]
    ]
    context = {
        **rendering.head_context(incident, incident.audience),
        "sections": sections,
        "people": incident.participants.count(),
        "steps_open": rail,
        "mine": [step for step in rail if step.assignee_id == request.user.pk],
        "checks": _checks(incident),
        "news": news(incident, request.user, incident.audience),
        "undo": undoable(incident, request.user) if Capability.WRITE in incident.held else None,
        "merged": "merged" in request.GET,
        "destinations": [section for section in SECTIONS.values() if section.capture_label],
    }
    return render(request, "incidents/document.html", context)


@require_GET
@requires(Capability.SUMMARY)
def summary(request: HttpRequest, incident) -> HttpResponse:
    """The executive's page: short, factual, and nothing else. A reader's page asks here for its section 2."""
    if is_fragment(request) and Capability.READ in incident.held:
        reading.record(incident, request.user, reading.AccessRecord.Kind.DOCUMENT, subject="summary")
        listed = rendering.listed(SECTIONS["summary"], incident, incident.audience)
        conversation.attach(incident, incident.audience, listed.entries)
        return render(request, "live/_section.html", {"incident": incident, "listed": listed})
    reading.record(incident, request.user, reading.AccessRecord.Kind.SUMMARY)
    return render(request, "incidents/summary.html", rendering.brief_context(incident))


@require_http_methods(["GET", "POST"])
@requires(Capability.SUMMARY, accepted=False)
def acknowledge(request: HttpRequest, incident) -> HttpResponse:
    """The gate: how to treat what one is about to read. POST accepts it; that is recorded."""
    following = request.POST.get("next") or request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(
        following, {request.get_host()}, require_https=request.is_secure()
    ):
        following = reverse("document", args=[incident.slug])
    changed = ""
    if request.method == "POST":
        try:
            incident.acknowledge(by=request.user, read=whole_number(request.POST.get("read", "")) or 0)
            return HttpResponseRedirect(following)
        except Impossible as error:
            changed = str(error)
    person = get_object_or_404(incident.participants.select_related("let_in_by"), user=request.user)
    context = {
        "changed": changed,
        "again": incident.acknowledgements.filter(user=request.user).exists(),
        "reads": Capability.READ in incident.held,
        "incident": incident,
        "next": following,
        "classification": SECTIONS["classification"].single(incident),
        "inviter": person.let_in_by,
        "role": person.get_role_display(),
        "sees": person.sees,
        "until": person.expires_at,
    }
    return render(request, "incidents/acknowledge.html", context, status=409 if changed else 200)


@by_method(GET=Capability.COMMAND, POST=Capability.COMMAND)
def settings(request: HttpRequest, incident) -> HttpResponse:
    """Title and time zone of the incident."""
    form = SettingsForm(
        request.POST or None, initial={"title": incident.title, "zone_name": incident.zone_name}
    )
    if request.method == "POST" and form.is_valid():
        try:
            incident.set_fields(by=request.user, **form.cleaned_data)
            return redirect("document", incident.slug)
        except Impossible as error:
            form.add_error("zone_name", str(error))
    context = {"incident": incident, "form": form}
    return render(request, "incidents/settings.html", context, status=422 if form.is_bound else 200)


@require_POST
@requires(Capability.COMMAND)
def status(request: HttpRequest, incident) -> HttpResponse:
    """Move the incident to another status."""
    wanted = request.POST.get("status", "")
    if wanted not in Status.values:
        return render(request, "400.html", status=422)
    incident.set_fields(by=request.user, status=wanted)
    return redirect("document", incident.slug)


@require_GET
@requires(Capability.COMMAND)
def checks(request: HttpRequest, incident) -> HttpResponse:
    """What waits for the commander, as a fragment."""
    return render(request, "live/_checks.html", {"incident": incident, "checks": _checks(incident)})


def _checks(incident) -> list:
    return commander_checks.waiting(incident) if Capability.COMMAND in incident.held else []
