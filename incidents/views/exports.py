"""The report for whoever may export."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from incidents import report as reports
from incidents.gate import admit, requires
from incidents.vocabulary import Capability


@require_GET
@requires(Capability.EXPORT)
def report(request: HttpRequest, incident, revision: int | None = None) -> HttpResponse:
    """The report as a PDF, numbered and named for this person; recorded. With a revision: as known then."""
    if revision is not None and not 0 < revision <= incident.revision:
        raise Http404
    try:
        copy, pdf = reports.make(incident, request.user, incident.audience, revision)
    except reports.ReportFailed as problem:
        return render(
            request, "incidents/unprinted.html", {"incident": incident, "problem": problem}, status=503
        )
    except reports.Withdrawn:
        admit(request.user, incident.slug, Capability.EXPORT, accepted=False)  # 404 or 403, as it is now
        raise PermissionDenied from None
    known = "as-known-at-" if revision else ""
    name = f"{incident.slug}-{known}revision-{copy.revision}-copy-{copy.copy}.pdf"
    return HttpResponse(
        pdf, content_type="application/pdf", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
