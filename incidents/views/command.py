"""Who commands: hand over, break-glass, legal hold."""

import uuid
from functools import partial

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.stepup import recent_sign_in_required
from incidents import succession
from incidents.door import Impossible, Refused
from incidents.gate import acts, by_method
from incidents.ledger import Action
from incidents.people_forms import BreakGlassForm, HandOverForm, ReasonForm
from incidents.views.people import attempt, page
from incidents.vocabulary import Capability


@by_method(GET=Capability.COMMAND, POST=Capability.READ)
@recent_sign_in_required
def hand_over(request: HttpRequest, incident) -> HttpResponse:
    """Offer command, or give it at once; whoever comes second is told so (409). GET: where the form is."""
    if request.method == "GET":
        return redirect("people", incident.slug)
    if Capability.COMMAND not in incident.held:
        if incident.changes.filter(action=Action.HAND_OVER, actor=request.user).exists():
            return _too_late(request, incident)
        raise PermissionDenied
    form = HandOverForm(request.POST, incident=incident, auto_id="id_next_%s")
    if not form.is_valid():
        return page(request, incident, hand_over_form=form, status=422)
    given = form.cleaned_data
    give = incident.hand_over if given["at_once"] else incident.offer_command
    try:
        give(given["successor"], by=request.user, reason=given["reason"])
    except Refused:
        return _too_late(request, incident)
    except Impossible as error:
        form.add_error("successor", str(error))
        return page(request, incident, hand_over_form=form, status=422)
    what = "commands now; you are a responder." if given["at_once"] else "is asked. Until then you command."
    messages.success(request, f"{given['successor']} {what}")
    return redirect("people", incident.slug)


@acts(Capability.READ)
@recent_sign_in_required
def answer_offer(request: HttpRequest, incident) -> HttpResponse:
    """Take the command that is offered, or leave it; whoever offered it may take it back."""
    if "retract" in request.POST:
        act = partial(incident.retract_offer, by=request.user)
        return attempt(request, incident, act, "The offer is taken back. You command.")
    accept = "accept" in request.POST
    act = partial(incident.answer_offer, by=request.user, accept=accept)
    return attempt(request, incident, act, "You command this incident now." if accept else "You left it.")


@by_method(GET=Capability.READ, POST=Capability.VOUCH)
@recent_sign_in_required
def break_glass(request: HttpRequest, incident) -> HttpResponse:
    """What it is, who asks and who acts by it; POST asks."""
    form = BreakGlassForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            incident.ask_break_glass(by=request.user, reason=given["reason"], hours=given["hours"])
            return redirect("break-glass", incident.slug)
        except Impossible as error:
            form.add_error(None, str(error))
    return _glass(request, incident, form, status=422 if form.is_bound else 200)


@acts(Capability.VOUCH, back="break-glass")
@recent_sign_in_required
def approve(request: HttpRequest, incident, opening_id: uuid.UUID) -> HttpResponse:
    """The second person's word."""
    return _answered(request, incident, opening_id, incident.approve_break_glass)


@acts(Capability.VOUCH, back="break-glass")
def end(request: HttpRequest, incident, opening_id: uuid.UUID) -> HttpResponse:
    """End it before its time."""
    return _answered(request, incident, opening_id, incident.end_break_glass)


@acts(Capability.HOLD)
@recent_sign_in_required
def hold(request: HttpRequest, incident) -> HttpResponse:
    """Set or lift the legal hold."""
    form = ReasonForm(request.POST, auto_id="id_hold_%s")
    if not form.is_valid():
        return page(request, incident, hold_form=form, status=422)
    wanted, reason = request.POST.get("hold") == "on", form.cleaned_data["reason"]
    act = partial(incident.set_hold, wanted, by=request.user, reason=reason)
    return attempt(
        request, incident, act, "The legal hold is set." if wanted else "The legal hold is lifted."
    )


def _too_late(request: HttpRequest, incident) -> HttpResponse:
    problem = "Command was handed over already. Reload to see who has it."
    return render(request, "incidents/refused.html", {"incident": incident, "problem": problem}, status=409)


def _answered(request: HttpRequest, incident, opening_id: uuid.UUID, act) -> HttpResponse:
    opening = incident.openings.filter(pk=opening_id).first()
    if opening is None:
        raise Http404
    try:
        act(opening, by=request.user)
    except Impossible as error:
        form = BreakGlassForm()
        return _glass(request, incident, form, problem=str(error), status=422)
    return redirect("break-glass", incident.slug)


def _glass(request: HttpRequest, incident, form, *, problem: str = "", status: int = 200) -> HttpResponse:
    opened, asked = succession.openings(incident)
    context = {"incident": incident, "form": form, "opened": opened, "asked": asked, "problem": problem}
    return render(request, "incidents/break_glass.html", context, status=status)
