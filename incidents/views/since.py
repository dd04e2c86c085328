"""What changed since somebody last looked, and that they have seen it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from incidents import looking, reading
from incidents.converters import whole_number
from incidents.gate import by_method
from incidents.history import Told, described
from incidents.news import changes_since, news
from incidents.sections import SECTIONS
from incidents.views.responses import is_fragment
from incidents.vocabulary import Capability

LIMIT = 200  # rows of the list


@by_method(GET=Capability.READ, POST=Capability.READ)
def since(request: HttpRequest, incident) -> HttpResponse:
    """GET: what others changed, by section. POST: everything up to `revision` is seen."""
    if request.method == "POST":
        revision = whole_number(request.POST.get("revision", ""))
        if revision is None:
            return render(request, "400.html", status=400)
        looking.seen(incident, request.user, revision)
        return HttpResponse(status=204) if is_fragment(request) else redirect("document", incident.slug)
    reading.record(incident, request.user, reading.AccessRecord.Kind.HISTORY, subject="since the last look")
    found = news(incident, request.user, incident.audience)
    rows = []
    if found:
        rows = list(changes_since(incident, request.user, incident.audience, found.revision)[: LIMIT + 1])
    told = described(incident, rows[:LIMIT][::-1], incident.audience)
    context = {
        "incident": incident,
        "news": found,
        "groups": _by_section(told),
        "more": len(rows) > LIMIT,
        "limit": LIMIT,
    }
    return render(request, "incidents/since.html", context)


def _by_section(told: list[Told]) -> list[tuple[str, list[Told]]]:
    """The rows under the titles of their sections, in the document's order; first what is about no section."""
    titles = [
        ("", "The incident and its people"),
        *((name, section.title) for name, section in SECTIONS.items()),
    ]
    groups = [(title, [each for each in told if each.change.section == name]) for name, title in titles]
    return [(title, rows) for title, rows in groups if rows]
