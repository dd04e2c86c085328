"""How a view answers: a fragment to htmx, a page to a browser without scripts; the text is kept in both."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse

from incidents import ledger
from incidents.rendering import gone, mini, shell
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


def arrivals(incident, entry: Entry) -> str:
    """The entry for the page that wrote it, in the form of a live message."""
    inside = (
        gone(SECTIONS[entry.section], entry.pk)
        if entry.hidden
        else shell(entry, incident) + mini(entry, incident)
    )
    return f'<div data-arrivals hidden data-revision="{incident.revision}">{inside}</div>'


def written(
    request: HttpRequest,
    incident,
    section: Section,
    entry: Entry,
    *,
    merged: bool = False,
    overtaken: bool = False,
) -> HttpResponse:
    """After a save: the entry and a word about it for htmx, the document for a browser without scripts.

    `merged`: a colleague's words are in it as well. `overtaken`: a colleague was first, nothing was written.
    """
    if not is_fragment(request):
        return redirect(document_url(incident, section, entry, "?merged=1" if merged else ""))
    context = {
        "incident": incident,
        "section": section,
        "entry": entry,
        "merged": merged,
        "overtaken": overtaken,
        "before": None if merged or entry.version == 1 else ledger.version_before(entry.pk, entry.version),
    }
    return HttpResponse(arrivals(incident, entry) + render_to_string("live/_notice.html", context))


def form_page(request: HttpRequest, incident, section: Section, form, *, status: int = 200) -> HttpResponse:
    """The form of an entry, alone or as a page of its own."""
    context = {"incident": incident, "section": section, "form": form, "entry": form.instance}
    template = "live/_form.html" if is_fragment(request) else "incidents/entry_form.html"
    return render(request, template, context, status=status)
