"""Who is in the incident: let in, change, remove, hand over."""

import uuid

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from incidents import access, reading
from incidents.forms import ROLES, HandOverForm, LetInForm, RoleForm
from incidents.gate import by_method, requires
from incidents.incident import Impossible, Refused
from incidents.vocabulary import Capability


@by_method(GET=Capability.READ, POST=Capability.PEOPLE)
def roster(request: HttpRequest, incident) -> HttpResponse:
    """GET: the list of readers, for every reader. POST: let in an existing account by its address."""
    form = LetInForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            incident.let_in(form.user, given["role"], by=request.user, may_export=given["may_export"])
        except Impossible as error:
            form.add_error("email", str(error))
        else:
            return redirect("people", incident.slug)
    return _page(request, incident, form=form, status=422 if form.is_bound else 200)


@require_POST
@requires(Capability.PEOPLE)
def participant(request: HttpRequest, incident, user_id: uuid.UUID) -> HttpResponse:
    """Change the role of one individual."""
    form = RoleForm(request.POST)
    if not form.is_valid():
        return _page(request, incident, problem="That is not a role. Nothing was changed.", status=422)
    return _act(request, incident, user_id, lambda user: incident.set_role(
        user, form.cleaned_data["role"], by=request.user, may_export=form.cleaned_data["may_export"]
    ))  # fmt: skip


@require_POST
@requires(Capability.PEOPLE)
def remove(request: HttpRequest, incident, user_id: uuid.UUID) -> HttpResponse:
    """Take every grant of one individual away."""
    return _act(request, incident, user_id, lambda user: incident.let_out(user, by=request.user))


@by_method(GET=Capability.COMMAND, POST=Capability.COMMAND)
def hand_over(request: HttpRequest, incident) -> HttpResponse:
    """Give command to somebody in the incident; whoever comes second is told so (409). GET: where the form is."""
    if request.method == "GET":
        return redirect("people", incident.slug)
    form = HandOverForm(request.POST, incident=incident)
    if not form.is_valid():
        return _page(request, incident, hand_over_form=form, status=422)
    try:
        incident.hand_over(
            form.cleaned_data["successor"], by=request.user, reason=form.cleaned_data["reason"]
        )
    except Refused:
        problem = "Command was handed over already. Reload to see who has it."
        return render(
            request, "incidents/refused.html", {"incident": incident, "problem": problem}, status=409
        )
    except Impossible as error:
        form.add_error("successor", str(error))
        return _page(request, incident, hand_over_form=form, status=422)
    return redirect("people", incident.slug)


def _act(request, incident, user_id: uuid.UUID, act) -> HttpResponse:
    found = incident.participants.select_related("user").filter(user_id=user_id).first()
    if found is None:
        raise Http404
    try:
        act(found.user)
    except Impossible as error:
        return _page(request, incident, problem=str(error), status=422)
    return redirect("people", incident.slug)


def _page(
    request, incident, *, form=None, hand_over_form=None, problem: str = "", status: int = 200
) -> HttpResponse:
    people = access.roster(incident)
    seen = reading.last_seen(incident)
    for person in people:
        person.last_seen = seen.get(person.user_id)
    context = {
        "incident": incident,
        "people": people,
        "form": form or LetInForm(),
        "hand_over_form": hand_over_form or HandOverForm(incident=incident),
        "problem": problem,
        "roles": ROLES,
    }
    return render(request, "incidents/people.html", context, status=status)
