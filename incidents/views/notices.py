"""What one is told of, over all one's incidents, and how one wants to be told."""

import uuid
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from incidents import access, noticeboard
from incidents.notice_forms import ChoicesForm
from incidents.notices import Choices

NEWEST = 100  # notices on the page


@require_http_methods(["GET", "POST"])
def notices(request: HttpRequest) -> HttpResponse:
    """GET: the newest. POST: all of them are read."""
    if request.method == "POST":
        noticeboard.shown(request.user).filter(read_at=None).update(read_at=timezone.now())
        return redirect("notices")
    rows = list(noticeboard.shown(request.user).select_related("incident", "by")[:NEWEST])
    held = access.held_in({row.incident_id for row in rows}, request.user)
    entries = noticeboard.entries_of(rows)
    rows = [row for row in rows if noticeboard.is_open(row, held.get(row.incident_id, frozenset()), entries)]
    context = {
        "rows": [(row, noticeboard.sentence(row, entries)) for row in rows],
        "unread": any(row.read_at is None for row in rows),
        "zone": ZoneInfo(request.user.zone),
    }
    return render(request, "incidents/notices.html", context)


@require_GET
def count(request: HttpRequest) -> JsonResponse:
    """How many are unread, for a page that is open; 404 when it is somebody else's, who used this browser before."""
    if request.GET.get("me", str(request.user.pk)) != str(request.user.pk):
        raise Http404
    return JsonResponse({"unread": noticeboard.unread(request.user)})


@require_http_methods(["GET", "POST"])
def notice(request: HttpRequest, notice_id: uuid.UUID) -> HttpResponse:
    """POST: this one is read; go where it leads. GET, after signing in again: back to the list."""
    if request.method == "GET":
        return redirect("notices")
    mine = noticeboard.shown(request.user).select_related("incident")
    row = mine.filter(pk=notice_id).first()
    if row is None:
        raise Http404
    mine.filter(pk=row.pk, read_at=None).update(read_at=timezone.now())
    return HttpResponseRedirect(noticeboard.path(row))


@require_http_methods(["GET", "POST"])
def choices(request: HttpRequest) -> HttpResponse:
    """Which mails one gets, and when."""
    mine = Choices.objects.filter(user=request.user).first() or Choices(user_id=request.user.pk)
    form = ChoicesForm(request.POST if request.method == "POST" else None, choices=mine)
    if form.is_bound and form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("notice-choices")
    return render(
        request, "incidents/notice_choices.html", {"form": form}, status=422 if form.is_bound else 200
    )
