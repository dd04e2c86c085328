"""A chat is told that something happened: codename and link, signed, and never where only the server can reach."""

import hashlib
import hmac
import ipaddress
import json
import socket
import time
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from incidents import telling, webhooks
from incidents.door import Impossible, Refused
from incidents.hooks import HookCall, Webhook
from incidents.ledger import faults
from incidents.webhooks import Unreachable, deliver, is_allowed
from tests import factories
from tests.chat import Chat
from tests.room import canaries_of_text
from tests.signing import sign_in
from tests.test_people import signed_in

BASE = "/incidents/kestrel/"
WHERE = f"{BASE}webhook/"
ALL = ["added", "command", "status", "summary"]


@pytest.fixture
def chat(tmp_path, settings, monkeypatch):
    """A chat server at https://chat.example, whose certificate is trusted and whose network is allowed."""
    running = Chat(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(running.certificate))
    settings.WEBHOOK_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    ask = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **more: ask("127.0.0.1" if "chat" in host else host, *rest, **more),
    )
    running.url = f"https://chat.example:{running.server_port}/hooks/T1?key=2"
    yield running
    running.shutdown()
    running.server_close()


@pytest.fixture
def hook(incident, dana, chat):
    """The webhook of KESTREL, for everything."""
    made = incident.set_webhook(by=dana, url=chat.url, events=ALL)
    telling.tell()
    return made


def said(chat) -> list[str]:
    """The texts that the chat was told, oldest first."""
    return [json.loads(body)["text"] for _, _, body in chat.told]


def work() -> None:
    """One round of telling and calling."""
    telling.tell()
    webhooks.send_due()


# --- what is told ----------------------------------------------------------------------------------------


def test_line_13_each_event_is_told_once_with_codename_and_link(incident, dana, hook, chat):
    ruth = factories.participant(incident, factories.user("ruth"))
    link = f"http://127.0.0.1:8000{BASE}"
    factories.entry(incident, "theories", text="canaryone")
    work()
    summary = factories.entry(incident, "summary", current_state="canarytwo")
    work()
    incident.set_fields(by=dana, status="contained")
    work()
    incident.change(summary, by=dana, version=1, current_state="canarythree")
    work()
    incident.hand_over(ruth, by=dana, reason="canaryfour")
    work()
    assert said(chat) == [
        f"KESTREL: an entry was added. {link}",
        f"KESTREL: the summary changed. {link}summary/",
        f"KESTREL: the status changed. {link}",
        f"KESTREL: the summary changed. {link}summary/",
        f"KESTREL: command was handed over. {link}",
    ]
    assert canaries_of_text(str(chat.told)) == set()
    work()
    assert len(chat.told) == 5


def test_what_was_not_chosen_marked_or_is_no_event_is_not_told(incident, dana, chat):
    incident.set_webhook(by=dana, url=chat.url, events=["added"])
    telling.tell()
    factories.entry(incident, "theories", privileged=True)
    incident.set_fields(by=dana, status="contained", title="Another title")
    entry = factories.entry(incident, "summary")
    incident.change(entry, by=dana, version=1, current_state="New")
    work()
    assert chat.told == []
    entry = factories.entry(incident, "lessons")
    work()
    incident.remove(entry, by=dana)
    work()
    assert len(chat.told) == 1


def test_many_entries_of_one_round_are_one_message(incident, hook, chat):
    for _ in range(3):
        factories.entry(incident, "theories")
        telling.tell()
    webhooks.send_due()
    assert len(chat.told) == 1


def test_a_message_is_signed_over_its_time_and_body(incident, dana, chat):
    page = signed_in(dana).post(WHERE, {"url": chat.url, "events": ["added"]})
    secret = page.context["secret"]
    telling.tell()
    factories.entry(incident, "theories")
    work()
    [(path, headers, body)] = chat.told
    stamp = headers["X-Sitroom-Timestamp"]
    expected = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert (headers["X-Sitroom-Signature"], abs(int(stamp) - time.time()) < 60) == (
        f"sha256={expected}",
        True,
    )
    assert (path, headers["Content-Type"]) == ("/hooks/T1?key=2", "application/json")
    assert headers["X-Sitroom-Message"] == str(HookCall.objects.get().pk)


# --- faults ----------------------------------------------------------------------------------------------


def due_again() -> None:
    """What waits is due now."""
    HookCall.objects.filter(sent_at=None).update(due_at=timezone.now())


def test_a_message_that_is_not_taken_is_tried_again_and_said_on_the_page(incident, dana, hook, chat):
    chat.answer = 503
    factories.entry(incident, "theories")
    work()
    work()
    assert (len(chat.told), HookCall.objects.get().tries) == (1, 1)  # not before the pause is over
    assert "It answered with status 503." in signed_in(dana).get(WHERE).content.decode()
    chat.answer = 200
    due_again()
    work()
    work()
    first, second = chat.told
    assert (first[1]["X-Sitroom-Message"], first[2]) == (second[1]["X-Sitroom-Message"], second[2])
    assert "Last told" in signed_in(dana).get(WHERE).content.decode()


def test_a_worker_that_is_killed_after_the_call_sends_the_same_message_again(
    incident, hook, chat, monkeypatch
):
    factories.entry(incident, "theories")

    def die(call):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(HookCall, "sent", die)
        with pytest.raises(KeyboardInterrupt):
            work()
    for _ in range(2):
        due_again()
        work()
    names = [headers["X-Sitroom-Message"] for _, headers, _ in chat.told]
    assert (len(names), len(set(names))) == (2, 1)


def test_a_message_that_is_an_hour_old_is_dropped(incident, hook, chat):
    factories.entry(incident, "theories")
    telling.tell()
    HookCall.objects.update(queued_at=timezone.now() - timedelta(minutes=61))
    webhooks.send_due()
    assert (chat.told, HookCall.objects.get().dropped_at is None) == ([], False)


def test_a_fault_of_the_webhook_stops_neither_telling_nor_mail(
    incident, dana, hook, chat, post_office, monkeypatch
):
    ruth = factories.participant(incident, factories.user("ruth"))
    factories.entry(incident, "theories", text="@Ruth")

    def broken(*args):
        raise RuntimeError

    monkeypatch.setattr(webhooks, "deliver", broken)
    call_command("worker", "--once")
    assert [letter["To"] for letter in post_office.letters] == [ruth.email]
    with monkeypatch.context() as deaf:
        deaf.setattr(telling, "tell", broken)
        incident.offer_command(ruth, by=dana, reason="Shift")
        call_command("worker", "--once")
    assert [letter["To"] for letter in post_office.letters] == [ruth.email, ruth.email]


def fault_of(chat, url: str = "") -> str:
    """Why a message is not taken."""
    with pytest.raises(Unreachable) as refused:
        deliver(url or chat.url, b"{}", "secret", "name")
    return str(refused.value)


def test_redirects_are_not_followed(chat):
    chat.answer, chat.headers = 302, {"Location": chat.url.replace("T1", "T2")}
    assert fault_of(chat) == "It answered with status 302."
    assert [path for path, _, _ in chat.told] == ["/hooks/T1?key=2"]


def test_an_answer_that_drips_is_left_after_the_time_is_up(chat, monkeypatch):
    monkeypatch.setattr(webhooks, "PATIENCE", 0.3)
    chat.drip = 0.05
    began = time.monotonic()
    assert fault_of(chat) == "It did not answer within five seconds."
    assert time.monotonic() - began < 3


def test_a_name_that_is_never_resolved_is_left_after_the_time_is_up(chat, monkeypatch):
    monkeypatch.setattr(webhooks, "PATIENCE", 0.1)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: time.sleep(0.5) or [])
    assert fault_of(chat) == "Its name is not known."


def test_a_certificate_for_another_name_is_refused(chat):
    assert fault_of(chat, chat.url.replace("chat.example", "chat.other")) == (
        "Its certificate is not valid for this name."
    )
    assert chat.told == []


def test_a_server_without_tls_or_that_is_not_there_is_a_failed_connection(chat):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert fault_of(chat, f"https://chat.example:{port}/") == "The connection failed."


# --- where the server must not be led ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "192.0.0.8", "240.0.0.1",
        "::1", "::", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::7f00:1",
        "2002:7f00:1::", "2001:0:7f00:1::", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2001:db8::1", "fec0::1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_on_the_public_internet_is_refused(address):
    assert is_allowed(ipaddress.ip_address(address)) is False


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f::1", "::ffff:93.184.215.14"])
def test_an_address_on_the_public_internet_is_allowed(address):
    assert is_allowed(ipaddress.ip_address(address)) is True


def test_networks_of_ones_own_are_allowed_where_the_operator_says_so(settings):
    settings.WEBHOOK_NETWORKS = [ipaddress.ip_network("10.1.2.0/24")]
    allowed = [
        is_allowed(ipaddress.ip_address(address)) for address in ("10.1.2.3", "10.1.3.3", "::ffff:10.1.2.3")
    ]
    assert allowed == [True, False, True]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "127.1"])
def test_a_webhook_that_leads_to_this_machine_is_not_called(host, chat, settings):
    settings.WEBHOOK_NETWORKS = []
    assert fault_of(chat, f"https://{host}:{chat.server_port}/") in (
        "Its address is not on the public internet.",
        "Its name is not known.",
    )
    assert chat.told == []


def test_a_name_with_one_private_address_is_refused(chat, settings, monkeypatch):
    settings.WEBHOOK_NETWORKS = []
    known = [(2, 1, 6, "", (address, 443)) for address in ("93.184.215.14", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: known)
    assert fault_of(chat) == "Its address is not on the public internet."


def test_the_connection_goes_to_the_address_that_was_checked(chat, monkeypatch):
    answers = iter(["127.0.0.1", "10.0.0.1"])  # the second is what a name that changes would lead to
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, port, *args, **more: [(2, 1, 6, "", (next(answers), port))]
    )
    went = []

    def connecting(address, *args, **more):
        went.append(address[0])
        made = socket.socket()
        made.connect(address)
        return made

    monkeypatch.setattr(socket, "create_connection", connecting)
    deliver(chat.url, b"{}", "secret", "name")
    assert (went, len(chat.told)) == (["127.0.0.1"], 1)


# --- the page ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "", "http://chat.example/", "ftp://chat.example/", "https://", "https:///x", "https://u:p@chat.example/",
        "https://chat.example/#x", "https://chat.example:99999/", "chat.example", "https://chat.example:0/",
        "https://[::1/", "javascript:alert(1)", "https://localhost/x", "https://chat.LOCALHOST.:8443/", "https://[::1]/x",
        "https://127.0.0.1/", "https://10.0.0.5/", "https://2130706433/", "https://0x7f.1/",
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_called_is_refused(incident, as_dana, url):
    answer = as_dana.post(WHERE, {"url": url, "events": ["status"]})
    assert (answer.status_code, Webhook.objects.count()) == (422, 0)
    assert "checked" in answer.content.decode()


def test_line_43_switching_on_changing_and_off_stand_in_the_history_without_the_address(
    incident, as_dana, dana, chat
):
    assert as_dana.post(WHERE, {"url": chat.url, "events": ["status", "added"]}).status_code == 200
    assert as_dana.post(WHERE, {"url": "", "events": ["status"]}).status_code == 302
    assert as_dana.post(WHERE, {"off": "1"}).status_code == 302
    assert as_dana.post(WHERE, {"off": "1"}).status_code == 302  # off is off
    incident.refresh_from_db()
    rows = [row.values for row in incident.changes.filter(action="set").order_by("revision")]
    assert rows == [
        {"webhook": "on", "host": "chat.example", "events": ["added", "status"]},
        {"webhook": "on", "host": "chat.example", "events": ["status"]},
        {"webhook": "off"},
    ]
    page = as_dana.get(f"{BASE}history/").content.decode()
    assert ("a chat at chat.example is told" in page, "webhook off" in page, "hooks/T1" in page) == (
        True,
        True,
        False,
    )
    assert list(faults(incident)) == []


def test_a_secret_is_shown_once_and_changes_with_the_address(incident, as_dana, chat):
    first = as_dana.post(WHERE, {"url": chat.url, "events": ["status"]})
    secret = first.context["secret"]
    page = as_dana.get(WHERE).content.decode()
    assert (secret in first.content.decode(), secret in page, "hooks/T1" in page) == (True, False, False)
    kept = as_dana.post(WHERE, {"url": chat.url, "events": ["added"]})
    assert kept.status_code == 302
    second = as_dana.post(WHERE, {"url": chat.url.replace("T1", "T2"), "events": ["status"]}).context[
        "secret"
    ]
    assert (len(secret), second == secret) == (64, False)
    assert [secret in str(row) for row in Webhook.objects.values()] == [False]


def test_nothing_is_told_after_it_was_switched_off(incident, dana, hook, chat):
    factories.entry(incident, "theories")
    telling.tell()
    incident.set_webhook(by=dana, url="", events=[])
    factories.entry(incident, "theories")
    work()
    assert (chat.told, HookCall.objects.filter(dropped_at=None).count()) == ([], 0)


def test_a_webhook_is_the_commanders_and_tells_of_something(incident, dana):
    ruth = factories.participant(incident, factories.user("ruth"))
    with pytest.raises(Refused):
        incident.set_webhook(by=ruth, url="https://chat.example/", events=["added"])
    with pytest.raises(Impossible, match="at least one"):
        incident.set_webhook(by=dana, url="https://chat.example/", events=[])
    answer = signed_in(dana).post(WHERE, {"url": "https://chat.example/"})
    assert (answer.status_code, Webhook.objects.count()) == (422, 0)
    assert "Choose at least one thing" in answer.content.decode()


def test_line_39_setting_it_asks_for_a_recent_sign_in(incident, dana, client):
    answer = sign_in(client, dana, recent=False).post(
        WHERE, {"url": "https://chat.example/", "events": ["added"]}
    )
    assert (answer.status_code, Webhook.objects.count()) == (302, 0)
    assert answer.headers["Location"].startswith("/account/confirm/")
