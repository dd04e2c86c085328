"""The webhook of an incident: on, changed, off."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.stepup import recent_sign_in_required
from incidents.gate import by_method
from incidents.hooks import Webhook
from incidents.notice_forms import WebhookForm
from incidents.vocabulary import Capability


@by_method(GET=Capability.COMMAND, POST=Capability.COMMAND)
@recent_sign_in_required
def webhook(request: HttpRequest, incident) -> HttpResponse:
    """What a chat is told, and where. A new address comes with a secret, which is shown once."""
    hook = Webhook.objects.filter(incident=incident).first() or Webhook(incident=incident)
    if "off" in request.POST:
        incident.set_webhook(by=request.user, url="", events=[])
        return redirect("webhook", incident.slug)
    form = WebhookForm(request.POST if request.method == "POST" else None, hook=hook)
    context = {"incident": incident, "form": form, "hook": hook}
    if form.is_bound and form.is_valid():
        before = hook.serial
        hook = incident.set_webhook(by=request.user, **form.cleaned_data)
        if hook.serial == before:
            return redirect("webhook", incident.slug)
        context |= {"hook": hook, "secret": hook.secret(), "form": WebhookForm(hook=hook)}
        return render(request, "incidents/webhook.html", context)
    return render(request, "incidents/webhook.html", context, status=422 if form.is_bound else 200)
