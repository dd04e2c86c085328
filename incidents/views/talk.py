"""What people say about entries: threads, and who can be named in them."""

import uuid
from collections.abc import Callable

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from incidents import conversation, reading, rendering
from incidents.comments import Comment
from incidents.conversation import CommentForm, blank_form
from incidents.door import Impossible
from incidents.gate import by_method, requires
from incidents.incident import Incident
from incidents.membership import Saved
from incidents.reading import AccessRecord
from incidents.sections.base import Entry
from incidents.talk import Overlap
from incidents.views.entries import find
from incidents.views.responses import is_fragment, refused
from incidents.vocabulary import Capability

DEEDS = {
    "resolve": Incident.resolve,
    "reopen": Incident.reopen,
    "hide": Incident.hide_comment,
    "show": Incident.show_comment,
}


@by_method(GET=Capability.READ, POST=Capability.WRITE)
def talk(request: HttpRequest, incident, section: str, entry_id: uuid.UUID) -> HttpResponse:
    """GET: an entry with what was said about it, as a page. POST: say something; `?to=` answers a comment."""
    _, entry = find(incident, section, entry_id)
    if request.method == "GET":
        if entry.hidden or not entry.version:
            raise Http404
        reading.record(incident, request.user, AccessRecord.Kind.DOCUMENT, subject=section)
        return _form(request, incident, entry, blank_form())
    thread = _asked(request, incident, entry)

    def say(typed: dict) -> tuple[Comment, Saved]:
        said = Comment(pk=typed["id"] or uuid.uuid4(), reply_to=thread, text=typed["text"])
        saved = incident.comment(entry, said, by=request.user)
        if saved.change is not None:
            return said, saved
        there = _comment(incident, entry, said.pk)
        if there.text == said.text:
            return there, saved
        # Its first answer was lost, and the person went on typing: a change of what was stored then.
        version = typed["version"] or 1
        return there, incident.amend(entry, there, by=request.user, version=version, text=said.text)

    return _sent(request, incident, entry, say, "added", thread=thread)


@require_GET
@requires(Capability.WRITE)
def new(request: HttpRequest, incident, section: str, entry_id: uuid.UUID) -> HttpResponse:
    """The form of a comment; `?to=` of an answer."""
    _, entry = find(incident, section, entry_id)
    if entry.hidden or not entry.version:
        raise Http404
    return _form(request, incident, entry, blank_form(), thread=_asked(request, incident, entry))


@by_method(GET=Capability.WRITE, POST=Capability.WRITE)
def comment(
    request: HttpRequest, incident, section: str, entry_id: uuid.UUID, comment_id: uuid.UUID
) -> HttpResponse:
    """GET: what can be done about a comment. POST: its author changes the words."""
    _, entry = find(incident, section, entry_id)
    found = _comment(incident, entry, comment_id)
    own = found.author_id == request.user.pk
    if request.method == "GET":
        if entry.hidden or found.hidden:
            raise Http404
        form = CommentForm(initial={"version": found.version, "text": found.text}) if own else None
        return _form(request, incident, entry, form, comment=found)
    if not own:
        raise PermissionDenied

    def amend(typed: dict) -> tuple[Comment, Saved]:
        version, text = typed["version"] or 0, typed["text"]
        return found, incident.amend(entry, found, by=request.user, version=version, text=text)

    return _sent(request, incident, entry, amend, "changed", comment=found)


@require_POST
@requires(Capability.WRITE)
def act(
    request: HttpRequest, incident, section: str, entry_id: uuid.UUID, comment_id: uuid.UUID, deed: str
) -> HttpResponse:
    """Resolve or reopen a thread, hide or bring back a comment."""
    if deed not in DEEDS:
        raise Http404
    _, entry = find(incident, section, entry_id)
    found = _comment(incident, entry, comment_id)
    try:
        done: Saved = DEEDS[deed](incident, entry, found, by=request.user)
    except Impossible as error:
        return refused(request, incident, str(error))
    return _answer(request, incident, entry, found, deed if done.change else "")


@require_GET
@requires(Capability.WRITE)
def names(request: HttpRequest, incident) -> HttpResponse:
    """The names that can stand behind an @."""
    people = {person.display_name for person in conversation.readers(incident)}
    return JsonResponse({"names": sorted(people, key=str.casefold)})


def _sent(
    request: HttpRequest,
    incident,
    entry: Entry,
    write: Callable[[dict], tuple[Comment, Saved]],
    what: str,
    **about,
) -> HttpResponse:
    """Write what the form holds and answer with the threads, or with the form and why not."""
    form = CommentForm(request.POST)
    if not form.is_valid():
        return _form(request, incident, entry, form, status=422, **about)
    try:
        comment, saved = write(form.cleaned_data)
    except Impossible as error:
        form.add_error(None, str(error))
        return _form(request, incident, entry, form, status=422, **about)
    except Overlap as overlap:
        return _both(request, incident, entry, overlap.comment, form, **about)
    return _answer(request, incident, entry, comment, "merged" if saved.merged else what)


def _comment(incident, entry: Entry, comment_id) -> Comment:
    """The comment, if it is about this entry and this person may read it; else 404."""
    found = conversation.said(incident, incident.audience).filter(entry_id=entry.pk, pk=comment_id).first()
    if found is None:
        raise Http404
    return found


def _asked(request: HttpRequest, incident, entry: Entry) -> Comment | None:
    """The comment that `?to=` names."""
    if not (asked := request.GET.get("to")):
        return None
    try:
        return _comment(incident, entry, uuid.UUID(asked))
    except ValueError as error:
        raise Http404 from error


def _form(
    request: HttpRequest,
    incident,
    entry: Entry,
    form: CommentForm | None,
    *,
    thread: Comment | None = None,
    comment: Comment | None = None,
    status: int = 200,
) -> HttpResponse:
    """The form of a comment: alone, or below the entry on a page of its own."""
    where = [incident.slug, entry.section, entry.pk]
    action = reverse("comment", args=[*where, comment.pk]) if comment else reverse("talk", args=where)
    context = {"incident": incident, "entry": entry, "form": form, "thread": thread, "comment": comment}
    context["action"] = f"{action}?to={thread.thread_id}" if thread else action
    if form:
        form.auto_id = f"say-{(comment or thread or entry).pk}-%s"
    if not is_fragment(request):
        rendering.dress([entry], incident)
        conversation.attach(incident, incident.audience, [entry])
        return render(request, "incidents/talk.html", context, status=status)
    if form is None:
        raise PermissionDenied
    return render(request, "live/_say.html", context, status=status)


def _both(
    request: HttpRequest, incident, entry: Entry, theirs: Comment, typed: CommentForm, **about
) -> HttpResponse:
    """The author's words of another tab, and the ones of this one in the form, which now begins at the former."""
    form = CommentForm({**typed.cleaned_data, "version": theirs.version})
    form.add_error(None, f"You changed this comment elsewhere meanwhile. There it says: “{theirs.text}”")
    form.add_error(None, "Save puts the words below in its place; the history keeps both.")
    return _form(request, incident, entry, form, status=409, **about)


def _answer(request: HttpRequest, incident, entry: Entry, comment: Comment, what: str) -> HttpResponse:
    """The threads as they are now, and a word about what was done."""
    if not is_fragment(request):
        where = reverse("talk", args=[incident.slug, entry.section, entry.pk])
        return redirect(f"{where}#comment-{comment.pk}")
    entry.incident = incident
    threads = rendering.talk(entry, incident, incident.audience)
    context = {"incident": incident, "entry": entry, "comment": comment, "what": what}
    box = f'<div data-arrivals hidden data-revision="{incident.revision}">{threads}</div>'
    return HttpResponse(box + render_to_string("live/_remarked.html", context))
