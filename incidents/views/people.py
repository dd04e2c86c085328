"""The list of who is in: invite, change, remove; and what each decision is about."""

import uuid
from functools import partial

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.stepup import recent_sign_in_required
from incidents import access, invitations, reading, succession
from incidents.door import Impossible
from incidents.gate import acts, by_method
from incidents.history import left
from incidents.membership import terms_of
from incidents.people_forms import (
    ROLES,
    BlockForm,
    ChangeForm,
    HandOverForm,
    InviteForm,
    ReasonForm,
    RemoveForm,
)
from incidents.vocabulary import EXTRAS_ARE_OPTIONAL, Capability


@by_method(GET=Capability.READ, POST=Capability.PEOPLE)
@recent_sign_in_required
def roster(request: HttpRequest, incident) -> HttpResponse:
    """GET: the list of readers, for every reader. POST: invite an address."""
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            incident.invite(given["email"], form.terms(), by=request.user, note=given["note"])
        except Impossible as error:
            form.add_error("email", str(error))
        else:
            messages.success(
                request, f"{given['email']} is invited as {given['role']}. The mail is on its way."
            )
            return redirect("people", incident.slug)
    return page(request, incident, form=form, status=422 if form.is_bound else 200)


@acts(Capability.PEOPLE)
@recent_sign_in_required
def participant(request: HttpRequest, incident, user_id: uuid.UUID) -> HttpResponse:
    """Change on which terms one individual is in."""
    person = find(incident, user_id)
    form = ChangeForm(request.POST)
    if not form.is_valid():
        return page(request, incident, problem="That is not a role. Nothing was changed.", status=422)
    terms = vars(form.terms(before=person.expires_at))
    act = partial(incident.set_role, person.user, by=request.user, **terms)
    return attempt(request, incident, act, f"{person.user}: changed. It counts at once.")


@acts(Capability.OVERSEE)
@recent_sign_in_required
def privileged(request: HttpRequest, incident, user_id: uuid.UUID) -> HttpResponse:
    """Decide whether one individual reads entries prepared at the request of counsel."""
    person, reads = find(incident, user_id), bool(request.POST.get("reads_privileged"))
    act = partial(incident.set_privileged, person.user, reads, by=request.user)
    said = f"{person.user} {'sees' if reads else 'does not see'} privileged entries."
    return attempt(request, incident, act, said)


@acts(Capability.PEOPLE)
def remove(request: HttpRequest, incident, user_id: uuid.UUID) -> HttpResponse:
    """Take every grant of one individual away, at once; a reason may be given."""
    person = find(incident, user_id)
    form = RemoveForm(request.POST)
    if not form.is_valid():
        return page(
            request,
            incident,
            problem="The reason holds a damaged character or is too long. Nobody was removed.",
            status=422,
        )
    reason = form.cleaned_data["reason"]
    act = partial(incident.let_out, person.user, by=request.user, reason=reason)
    return attempt(request, incident, act, f"{person.user} is out.")


def find(incident, user_id: uuid.UUID):
    """The participant, or 404."""
    found = incident.participants.select_related("user").filter(user_id=user_id).first()
    if found is None:
        raise Http404
    return found


def attempt(request: HttpRequest, incident, act, said: str) -> HttpResponse:
    """Do it, say so above the list; what is impossible is said there as well."""
    try:
        act()
    except Impossible as error:
        return page(request, incident, problem=str(error), status=422)
    messages.success(request, said)
    return redirect("people", incident.slug)


def page(request: HttpRequest, incident, *, status: int = 200, **shown) -> HttpResponse:
    """The People page; `shown` are forms with what was typed, or a `problem`."""
    held = incident.held
    people = access.roster(incident)
    seen = reading.last_seen(incident) if Capability.OVERSEE in held else {}
    taken = reading.downloads(incident) if Capability.OVERSEE in held else {}
    acting = {opening.asked_by_id: opening.expires_at for opening in succession.openings(incident)[0]}
    for person in people:
        person.acts_until = acting.get(person.user_id)
        person.last_seen, person.taken = seen.get(person.user_id), taken.get(person.user_id, 0)
        person.takes_extras = person.role in EXTRAS_ARE_OPTIONAL
        person.form = ChangeForm(initial=vars(terms_of(person)), auto_id=f"id_{person.pk}_%s")
    context = {
        "incident": incident,
        "people": people,
        "pending": incident.invitations.filter(accepted_at=None, withdrawn_at=None).select_related(
            "invited_by"
        ),
        "left": left(incident),
        "offer": succession.offered(incident),
        "form": InviteForm(),
        "hand_over_form": HandOverForm(incident=incident, auto_id="id_next_%s"),
        "hold_form": ReasonForm(auto_id="id_hold_%s"),
        "roles": ROLES,
        "faulty": any(form.errors for form in shown.values() if isinstance(form, Form)),
    }
    if Capability.PEOPLE in held:
        asked = list(invitations.requests_for(incident))
        barred = set(incident.blocks.filter(lifted_at=None).values_list("email", flat=True))
        for wish in asked:
            wish.is_blocked = wish.user.email in barred
        context["requests"] = asked
    if Capability.COMMAND in held:
        context["blocks"] = incident.blocks.select_related("by", "lifted_by").prefetch_related("attempts__by")
        context["block_form"] = BlockForm(auto_id="id_block_%s")
    return render(request, "incidents/people.html", {**context, **shown}, status=status)
