"""How a view answers: a fragment to htmx, a page to a browser without scripts; the text is kept in both."""

import math

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from incidents.conflicts import conflict_context
from incidents.incident import UNDO, Conflict
from incidents.ledger import Change
from incidents.rendering import appears, gone, mini, shell, talk
from incidents.sections import SECTIONS
from incidents.sections.base import Entry, Section


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks, so that a part of the page is the answer."""
    return bool(request.htmx)  # type: ignore[attr-defined]  # django_htmx


def document_url(
    incident, section: Section | None = None, entry: Entry | None = None, query: str = ""
) -> str:
    """The document, at an entry if there is one."""
    anchor = f"#{section.name}-{entry.pk}" if section and entry and not entry.hidden else ""
    anchor = anchor or (f"#{section.name}" if section else "")
    return reverse("document", args=[incident.slug]) + query + anchor


def arrivals(incident, entry: Entry, change: Change | None = None) -> str:
    """The entry for the page that wrote it, in the form of a live message; what was said about it stands there already
    unless it appears with this change, or nobody knows."""
    if entry.hidden:
        inside = gone(SECTIONS[entry.section], entry.pk)
    else:
        whole = entry.version > 1 and (change is None or appears(change))
        said = talk(entry, incident, incident.audience) if whole else ""
        inside = shell(entry, incident) + said + mini(entry, incident)
    return f'<div data-arrivals hidden data-revision="{incident.revision}">{inside}</div>'


def written(
    request: HttpRequest,
    incident,
    section: Section,
    entry: Entry,
    *,
    merged: bool = False,
    change: Change | None = None,
    overtaken: str = "",
    restored: bool = False,
    undone: bool = False,
) -> HttpResponse:
    """After a save: the entry and a word about it for htmx, the document for a browser without scripts.

    `change`: what can be undone. `merged`: a colleague's words are in it as well. `overtaken`: who was first, in a
    sentence; nothing was written. `restored`: it was hidden before. `undone`: this took back the person's own change.
    """
    if not is_fragment(request):
        return redirect(document_url(incident, section, entry, "?merged=1" if merged else ""))
    context = {
        "incident": incident,
        "section": section,
        "entry": entry,
        "merged": merged,
        "overtaken": overtaken,
        "restored": restored,
        "undone": undone,
        "undo": _offer(change) if change else None,
    }
    return HttpResponse(arrivals(incident, entry, change) + render_to_string("live/_notice.html", context))


def undoable(incident, user) -> dict | None:
    """The change that this person can undo now, for how many seconds more; None when there is none."""
    change = incident.last_change(user)
    return _offer(change) if change else None


def _offer(change: Change) -> dict:
    left = UNDO - (timezone.now() - change.at)
    return {"revision": change.revision, "seconds": math.ceil(left.total_seconds())}


def conflicting(
    request: HttpRequest, incident, section: Section, conflict: Conflict, undoing: bool = False
) -> HttpResponse:
    """Both texts: in the place of the form that was sent, which htmx knows, or as a page of their own."""
    context = conflict_context(incident, section, conflict, request.user, undoing)
    template = "live/_conflict.html" if is_fragment(request) else "incidents/conflict.html"
    return render(request, template, context, status=409)


def beside(answer: HttpResponse, entry: Entry) -> HttpResponse:
    """The same answer; both texts, where it holds them, go to the entry: the button stands elsewhere on the page."""
    if answer.status_code == 409:
        answer.headers["HX-Retarget"] = f"#{entry.section}-{entry.pk}-body"
        answer.headers["HX-Reswap"] = "outerHTML show:top"
    return answer


def form_page(request: HttpRequest, incident, section: Section, form, *, status: int = 200) -> HttpResponse:
    """The form of an entry, alone or as a page of its own."""
    if is_fragment(request):
        form.auto_id = f"id_{form.instance.pk}_%s"  # beside other forms
    context = {"incident": incident, "section": section, "form": form, "entry": form.instance}
    template = "live/_form.html" if is_fragment(request) else "incidents/entry_form.html"
    return render(request, template, context, status=status)


def refused(request: HttpRequest, incident, problem: str) -> HttpResponse:
    """What cannot be done as things stand, in a sentence: in the notice, or on a page that leads back."""
    context = {"incident": incident, "problem": problem, "back": document_url(incident)}
    template = "live/_notice.html" if is_fragment(request) else "incidents/refused.html"
    return render(request, template, context, status=409)
