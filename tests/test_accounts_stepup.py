"""SECURITY 39 and 23: recent authentication before what matters; a closed account holds nothing open."""

import pytest
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import include, path

from accounts import closing, stepup
from accounts.forms import NewPasswordForm
from accounts.models import User
from config.urls import urlpatterns as site
from tests import factories
from tests.mails import link_in
from tests.signing import PASSWORD, confirm, grow_old, sign_in

seen: list[tuple] = []


@stepup.recent_sign_in_required
def guarded(request, *args, **kwargs):
    """A view that matters: it writes down what reached it."""
    if request.method != "GET":
        seen.append((request.method, request.get_full_path(), dict(request.POST.lists())))
    return HttpResponse("done")


@stepup.recent_sign_in_required(safe_too=True)
def hidden(request):
    return HttpResponse("shown")


urlpatterns = [path("guarded/", guarded), path("hidden/", hidden), path("", include(site))]


@pytest.fixture(autouse=True)
def routes():
    """The guarded views beside all others."""
    seen.clear()
    with override_settings(ROOT_URLCONF=__name__):
        yield


@pytest.fixture
def long_ago(dana) -> Client:
    """Dana, who signed in 16 minutes ago."""
    return sign_in(Client(), dana, recent=False)


SENT = {"person": ["a", "b"], "note": 'first\r\nsecond <b> & "quotes"\n\n end ', "empty": ""}
ARRIVED = ("POST", "/guarded/?page=2", {"person": ["a", "b"], "note": [SENT["note"]], "empty": [""]})


def arrived() -> list[tuple]:
    """What reached the guarded view, line ends as a browser sends them."""
    return [
        (method, where, {name: [v.replace("\r\n", "\n") for v in values] for name, values in fields.items()})
        for method, where, fields in seen
    ]


def test_line_39_a_recent_sign_in_goes_through(as_dana):
    assert as_dana.post("/guarded/?page=2", SENT).content == b"done"
    assert seen == [ARRIVED]


def test_line_39_what_was_sent_waits_and_goes_on_after_the_proof(long_ago):
    asked = long_ago.post("/guarded/?page=2", SENT)
    assert asked.headers["Location"] == "/account/confirm/?next=%2Fguarded%2F%3Fpage%3D2"
    assert seen == []
    assert long_ago.post(asked.headers["Location"], {"password": "wrong"}).status_code == 422
    assert seen == []
    assert "What you sent is kept" in long_ago.get(asked.headers["Location"]).content.decode()
    assert confirm(long_ago, asked).content == b"done"
    method, where, fields = ARRIVED
    assert arrived() == [(method, where, {**fields, "note": [SENT["note"].replace("\r\n", "\n")]})]


def test_line_39_what_went_on_does_not_wait_any_more(long_ago):
    confirm(long_ago, long_ago.post("/guarded/", SENT))
    assert stepup.KEPT not in long_ago.session or long_ago.session[stepup.KEPT] == {}
    assert long_ago.get("/account/confirm/continue/?next=/guarded/").headers["Location"] == "/guarded/"
    assert len(seen) == 1


def test_line_39_a_form_with_a_password_is_opened_afresh_and_kept_nowhere(long_ago):
    new = {"new_password1": "a new long phrase", "new_password2": "a new long phrase"}
    asked = long_ago.post("/account/password/", new)
    assert stepup.KEPT not in long_ago.session
    assert "What you sent is kept" not in long_ago.get(asked.headers["Location"]).content.decode()
    page = confirm(long_ago, asked)
    assert (page.status_code, "Change the password" in page.content.decode()) == (200, True)


@pytest.mark.parametrize("following", ["nothing", "sign-out", "?x=1"])
def test_line_39_what_is_no_address_leads_nowhere_else(as_dana, following):
    answer = as_dana.get("/account/confirm/continue/", {"next": following})
    assert answer.headers["Location"] == following  # read by the browser as below this page


def test_line_39_two_forms_wait_without_each_other(long_ago):
    first, second = (long_ago.post(f"/guarded/?page={page}", {"page": page}) for page in "12")
    confirm(long_ago, second)
    confirm(long_ago, first)
    assert [fields for _, _, fields in seen] == [{"page": ["2"]}, {"page": ["1"]}]


def test_line_39_a_waiting_form_is_not_sent_without_a_proof(long_ago):
    long_ago.post("/guarded/", SENT)
    page = long_ago.get("/account/confirm/continue/?next=/guarded/")
    assert (page.status_code, long_ago.post("/guarded/", SENT).status_code, seen) == (200, 302, [])


def test_line_39_a_waiting_form_is_gone_for_the_next_person(long_ago):
    long_ago.post("/guarded/", SENT)
    long_ago.post("/sign-out/")
    sign_in(long_ago, factories.user("ruth"))
    assert long_ago.get("/account/confirm/continue/?next=/guarded/").status_code == 302


def test_line_39_reading_needs_no_proof_unless_it_is_asked_for(long_ago):
    assert long_ago.get("/guarded/").content == b"done"
    assert long_ago.get("/hidden/").headers["Location"] == "/account/confirm/?next=%2Fhidden%2F"
    assert confirm(long_ago, long_ago.get("/hidden/")).content == b"shown"


def test_line_39_htmx_is_led_to_a_page(long_ago):
    htmx = {"HX-Request": "true", "HX-Current-URL": "http://testserver/incidents/kestrel/people/?x=1"}
    answer = long_ago.post("/guarded/", SENT, headers=htmx)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (
        200,
        "/account/confirm/?next=%2Fguarded%2F",
    )
    answer = long_ago.delete("/guarded/", headers=htmx)
    assert answer.headers["HX-Redirect"] == "/account/confirm/?next=%2Fincidents%2Fkestrel%2Fpeople%2F"
    assert seen == []


def test_line_39_a_proof_lasts_a_quarter_of_an_hour(as_dana):
    as_dana.post("/guarded/", SENT)
    grow_old(as_dana)
    assert as_dana.post("/guarded/", SENT).status_code == 302
    assert len(seen) == 1


def test_line_39_the_proof_of_one_person_is_not_that_of_another(as_dana):
    session = as_dana.session
    session["account_authentication_methods_user"] = str(factories.user("ruth").pk)
    session.save()
    assert as_dana.post("/guarded/", SENT).status_code == 302


def test_line_39_the_password_of_somebody_else_proves_nothing(long_ago):
    ruth = factories.user("ruth")
    ruth.set_password("the password of ruth")
    ruth.save()
    answer = long_ago.post("/account/confirm/", {"password": "the password of ruth", "username": ruth.email})
    assert (answer.status_code, "This is not your password." in answer.content.decode()) == (422, True)


def test_line_39_guessing_at_the_proof_is_limited(long_ago):
    statuses = [long_ago.post("/account/confirm/", {"password": "wrong"}).status_code for _ in range(6)]
    refused = long_ago.post("/account/confirm/", {"password": PASSWORD})
    assert (statuses, refused.status_code) == ([422] * 6, 422)
    assert "Too many attempts." in refused.content.decode()


def test_line_39_what_was_given_up_does_not_run_by_itself_later(long_ago):
    long_ago.post("/hidden/", SENT)  # given up here
    asked = long_ago.get("/hidden/")
    answer = confirm_only(long_ago, asked)
    assert (answer.status_code, answer.headers["Location"], seen) == (302, "/hidden/", [])


def test_line_39_a_link_from_elsewhere_does_not_send_what_waits(long_ago):
    long_ago.post("/guarded/?page=2", SENT)  # given up here
    confirm_only(long_ago, long_ago.get("/hidden/"))  # proved for something else
    page = long_ago.get("/account/confirm/continue/?next=/guarded/%3Fpage%3D2").content.decode()
    assert ("data-go-on" in page, "Something is waiting" in page) == (False, True)


def test_line_39_what_waits_is_forgotten_after_a_quarter_of_an_hour(long_ago):
    long_ago.post("/guarded/?page=2", SENT)
    session = long_ago.session
    session[stepup.KEPT] = {
        path: {**kept, "at": kept["at"] - 16 * 60} for path, kept in session[stepup.KEPT].items()
    }
    session.save()
    answer = long_ago.get("/account/confirm/continue/?next=/guarded/%3Fpage%3D2")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/guarded/?page=2")


def confirm_only(client, asked):
    """Prove with the password who one is; the answer of the page that goes on."""
    answer = client.post(asked.headers["Location"], {"password": PASSWORD})
    return client.get(answer.headers["Location"])


def test_a_development_link_counts_as_a_proof(client, dana, settings):
    from accounts import links

    settings.DEBUG = True
    client.get(links.sign_in_link(dana, ""))
    assert client.post("/guarded/", SENT).content == b"done"


# --- closing an account ----------------------------------------------------------------------------


@pytest.fixture
def veto():
    """Somebody who is needed."""

    def objects(user) -> str:
        return "Dana commands KESTREL." if user.email == "dana@example.com" else ""

    closing.vetoes.append(objects)
    yield
    closing.vetoes.remove(objects)


def test_line_23_closing_ends_sessions_for_good(dana, as_dana):
    other = Client()
    other.post("/sign-in/", {"username": dana.email, "password": PASSWORD})
    kept = list(Session.objects.values())  # what a backup would bring back
    closing.close(dana)
    assert [client.get("/incidents/").status_code for client in (as_dana, other)] == [302, 302]
    Session.objects.bulk_create([Session(**row) for row in kept], ignore_conflicts=True)
    User.objects.update(is_active=True)
    assert [client.get("/incidents/").status_code for client in (as_dana, other)] == [302, 302]
    assert sign_in(Client(), User.objects.get()).get("/incidents/").status_code == 200


def test_line_23_closing_voids_links_to_a_new_password(dana, post_office):
    Client().post("/sign-in/forgot/", {"email": dana.email})
    link = link_in(post_office.wait()[0])
    closing.close(dana)
    assert "This link is used up" in Client().get(link).content.decode()
    User.objects.update(is_active=True)
    assert "This link is used up" in Client().get(link).content.decode()


def test_line_23_a_session_hash_changes_when_sessions_are_ended(dana):
    before = dana.get_session_auth_hash()
    dana.end_sessions()
    assert dana.get_session_auth_hash() != before
    assert User.objects.get().get_session_auth_hash() == dana.get_session_auth_hash()


def test_somebody_who_is_needed_is_not_closed_unless_it_is_forced(dana, as_dana, veto):
    with pytest.raises(closing.Refused, match=r"^Dana commands KESTREL\.$"):
        closing.close(dana)
    assert as_dana.get("/incidents/").status_code == 200
    with pytest.raises(CommandError, match=r"Dana commands KESTREL\. --force closes it all the same\."):
        call_command("close_account", "Dana@Example.com")
    call_command("close_account", "Dana@Example.com", "--force", verbosity=0)
    assert as_dana.get("/incidents/").status_code == 302


def test_closing_an_unknown_account_says_so(db):
    with pytest.raises(CommandError, match="No account has the address nobody@example.com"):
        call_command("close_account", "nobody@example.com")


def closed_by_admin(person: User):
    """The answer of the admin site to taking somebody's tick away."""
    office = sign_in(Client(), factories.user("office", is_staff=True, is_superuser=True))
    sent = {"display_name": person.display_name, "zone": "UTC"}
    return office.post(f"/admin/accounts/user/{person.pk}/change/", sent)


def test_the_admin_site_closes_an_account(dana, as_dana):
    assert closed_by_admin(dana).status_code == 302
    dana.refresh_from_db()
    assert (dana.is_active, dana.epoch, as_dana.get("/incidents/").status_code) == (False, 1, 302)


def test_the_admin_site_refuses_with_the_sentence(dana, as_dana, veto):
    answer = closed_by_admin(dana)
    assert (answer.status_code, "Dana commands KESTREL." in answer.content.decode()) == (200, True)
    assert as_dana.get("/incidents/").status_code == 200


# --- the operator's way to an account --------------------------------------------------------------


def test_invite_prints_a_link_that_makes_the_account(client, db, capsys, settings):
    settings.BASE_URL = "https://sitroom.example"
    call_command("invite", "First@Example.com", "--staff")
    link, sentence = capsys.readouterr().out.splitlines()
    assert link.startswith("https://sitroom.example/join/")
    assert sentence == "Works once, for 24 hours: hand it to first@example.com and nobody else."
    made = {"display_name": "First", "zone": "UTC", "password1": PASSWORD, "password2": PASSWORD}
    client.post(link.removeprefix("https://sitroom.example"), made)
    assert client.get("/admin/").status_code == 200
    with pytest.raises(CommandError, match="first@example.com has an account already"):
        call_command("invite", "FIRST@example.com")


def test_invite_makes_no_administrator_unasked(client, db, capsys):
    call_command("invite", "first@example.com")
    link = capsys.readouterr().out.splitlines()[0]
    made = {"display_name": "First", "zone": "UTC", "password1": PASSWORD, "password2": PASSWORD}
    client.post(link[link.index("/join/") :], made)
    assert (User.objects.get().is_staff, User.objects.get().is_superuser) == (False, False)


def test_invite_refuses_what_is_no_address(db):
    with pytest.raises(CommandError, match="Enter a valid email address"):
        call_command("invite", "nobody")


def test_line_23_a_new_password_that_is_under_way_does_not_open_a_closed_account(dana):
    """The form has read the account; then it is closed; then the form is stored."""
    form = NewPasswordForm(
        User.objects.get(), {"new_password1": "a new long phrase", "new_password2": "a new long phrase"}
    )
    assert form.is_valid()
    closing.close(dana)
    form.save()
    kept = User.objects.get()
    assert (kept.is_active, kept.epoch, kept.check_password("a new long phrase")) == (False, 1, True)
