"""Coming in: the link of a mail, the gate of an invitation, asking for access; and the block list."""

import uuid
from functools import partial
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from accounts.joining import join_address
from accounts.models import User
from accounts.stepup import recent_sign_in_required
from incidents import invitations
from incidents.converters import whole_number
from incidents.door import Impossible
from incidents.gate import acts
from incidents.invitations import Invitation
from incidents.people_forms import AskForm, BlockForm, TermsForm
from incidents.sections import SECTIONS
from incidents.views.people import attempt, page
from incidents.vocabulary import Capability, Role, capabilities_of


@login_not_required
@require_GET
def link(request: HttpRequest, token: str) -> HttpResponse:
    """Where the mail leads. It uses nothing up, since mail scanners follow links; a dead link is a 404."""
    invitation = invitations.of_token(token)
    if invitation and invitation.accepted_by_id and invitation.accepted_by_id == request.user.pk:
        return redirect("document", invitation.incident.slug)
    if invitation is None or not invitation.incident.stands(invitation):
        return render(request, "accounts/dead_link.html", status=404)
    following = reverse("invitation", args=[invitation.pk])
    if request.user.is_authenticated:
        if request.user.email == invitation.email:
            return redirect(following)
        return render(request, "incidents/other_address.html", {"here": request.path}, status=403)
    if User.objects.filter(email=invitation.email).exists():
        return redirect(f"{reverse('sign-in')}?{urlencode({'next': following})}")
    return redirect(join_address(invitation.email, following))


@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, invitation_id: uuid.UUID) -> HttpResponse:
    """The gate for whoever is invited: how to treat what one is about to read. POST accepts and comes in."""
    rows = Invitation.objects.select_related("incident__commander", "invited_by")
    found = rows.filter(pk=invitation_id, email=request.user.email).first()
    if found is None or not found.incident.stands(found):
        raise Http404
    incident, changed = found.incident, ""
    if request.method == "POST":
        try:
            incident.accept_invitation(
                found, by=request.user, read=whole_number(request.POST.get("read", "")) or 0
            )
            return redirect("document", incident.slug)
        except Impossible as error:
            changed = str(error)
    context = {
        "incident": incident,
        "inviter": found.invited_by,
        "role": found.get_role_display(),
        "sees": found.sees,
        "note": found.note,
        "until": found.grant_expires_at,
        "reads": Capability.READ in capabilities_of(Role(found.role)),
        "classification": SECTIONS["classification"].single(incident),
        "changed": changed,
    }
    return render(request, "incidents/acknowledge.html", context, status=409 if changed else 200)


@acts(Capability.PEOPLE)
@recent_sign_in_required
def again(request: HttpRequest, incident, invitation_id: uuid.UUID) -> HttpResponse:
    """Send another link; the earlier one is dead."""
    found = _pending(incident, invitation_id)
    act = partial(incident.invite_again, found, by=request.user)
    return attempt(
        request, incident, act, f"{found.email}: another link is on its way. The earlier one is dead."
    )


@acts(Capability.PEOPLE)
def withdraw(request: HttpRequest, incident, invitation_id: uuid.UUID) -> HttpResponse:
    """Take an invitation back."""
    found = _pending(incident, invitation_id)
    act = partial(incident.withdraw, found, by=request.user)
    return attempt(request, incident, act, f"The invitation of {found.email} is withdrawn. Its link is dead.")


@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Ask to be let in by codename. The answer, and the work, are the same whether there is such an incident."""
    form = AskForm(request.POST or None)
    sent = request.method == "POST" and form.is_valid()
    if sent:
        given = form.cleaned_data
        invitations.ask(request.user, given["codename"], given["words"])
    status = 422 if form.is_bound and not sent else 200
    return render(request, "incidents/ask.html", {"form": form, "sent": sent}, status=status)


@acts(Capability.PEOPLE)
@recent_sign_in_required
def answer(request: HttpRequest, incident, request_id: uuid.UUID) -> HttpResponse:
    """Invite whoever asked, or leave them out."""
    wish = invitations.requests_for(incident).filter(pk=request_id).first()
    if wish is None:
        raise Http404
    if "dismiss" in request.POST:
        act = partial(incident.dismiss, wish, by=request.user)
        return attempt(request, incident, act, f"{wish.user} is left out, and is not told.")
    form = TermsForm(request.POST)
    if not form.is_valid():
        return page(request, incident, problem="That is not a role. Nothing was changed.", status=422)
    act = partial(incident.invite, wish.user.email, form.terms(), by=request.user)
    return attempt(request, incident, act, f"{wish.user} is invited. The mail is on its way.")


@acts(Capability.COMMAND)
def block(request: HttpRequest, incident) -> HttpResponse:
    """Keep an address out."""
    form = BlockForm(request.POST, auto_id="id_block_%s")
    if form.is_valid():
        given = form.cleaned_data
        try:
            incident.block(given["email"], by=request.user, reason=given["reason"])
        except Impossible as error:
            form.add_error("email", str(error))
        else:
            messages.success(request, f"{given['email']} is kept out.")
            return redirect("people", incident.slug)
    return page(request, incident, block_form=form, status=422)


@acts(Capability.COMMAND)
@recent_sign_in_required
def lift(request: HttpRequest, incident, block_id: uuid.UUID) -> HttpResponse:
    """Take an address off the block list."""
    found = incident.blocks.filter(pk=block_id, lifted_at=None).first()
    if found is None:
        raise Http404
    act = partial(incident.lift, found, by=request.user)
    return attempt(request, incident, act, f"{found.email} can be invited again.")


def _pending(incident, invitation_id: uuid.UUID) -> Invitation:
    found = incident.invitations.filter(pk=invitation_id).first()
    if found is None:
        raise Http404
    return found
