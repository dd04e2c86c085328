"""What must not tell that an incident exists: refused streams, logs, addresses."""

import logging
import re
import uuid
from pathlib import Path
from urllib.parse import unquote

import pytest
from django.conf import settings
from django.db import IntegrityError, OperationalError, connection, models, transaction

from config.logs import WITHHELD, OneLine
from incidents.incident import Incident
from incidents.people import Participant
from incidents.sections import SECTIONS
from tests import factories
from tests.room import canaries_of, canaries_of_text, canary
from tests.security.production import BROKEN
from tests.test_matrix import TABLE

DRAWN = {"date"}  # differs from one second to the next


@pytest.mark.parametrize("persona", ["anonymous", "outsider", "superuser", "revoked", "disabled"])
def test_line_06_a_stream_is_refused_whether_the_incident_exists_or_not(production, persona):
    visitor = production.visitor(persona)
    answers = [visitor.get(f"/incidents/{slug}/live/") for slug in ("kestrel", "missing")]
    one, other = (
        (answer.status_code, {k: v for k, v in answer.headers.items() if k not in DRAWN}, answer.content)
        for answer in answers
    )
    assert one == other
    assert one[0] == (401 if persona in ("anonymous", "disabled") else 404)


# --- logs --------------------------------------------------------------------------------------------


def write_everywhere(production) -> None:
    """Send words to every form, good and bad; read them everywhere; have things go wrong."""
    client, outsider = production.poster("commander"), production.poster("outsider")
    words = canary("sent", "in", "a", "body")
    fields = {name for section in SECTIONS.values() for name in section.model.own}
    sent = {**dict.fromkeys(fields, words), "title": words, "reason": words, "email": words, "next": words}
    for where in production.addresses.values():
        if not where.endswith(("sign-out/", "logout/")):
            for visitor in (client, outsider):
                visitor.post(where, data=sent)
                visitor.post(where, json=sent)
                if not where.endswith("/live/"):
                    visitor.get(where)
    for name in SECTIONS:
        good = {**factories.LEAST.get(name, {}), **canaries_of(name, "log"), "version": "1"}
        client.post(f"/incidents/kestrel/{name}/", data=good)
        client.post(f"/incidents/kestrel/{name}/{production.entries[name]}/", data=good)
    upload = {"upload": (canary("log", "file") + ".txt", canary("log", "bytes").encode())}
    client.post("/incidents/kestrel/appendix/", data={"kind": "file"}, files=upload)
    client.post("/incidents/kestrel/theories/", data={"state": "open", "text": f"{words}\x00"})
    client.post("/incidents/kestrel/theories/", data={"state": "open", "text": words})
    client.post("/incidents/kestrel/theories/", content=words.encode() * 300_000)


def test_line_16_no_word_of_an_incident_is_in_the_logs_or_on_an_error_page(production):
    write_everywhere(production)
    broken = production.visitor("commander").get(BROKEN)
    assert (broken.status_code, canaries_of_text(broken.text)) == (500, set())
    log = production.logged()
    assert canaries_of_text(log) == set()
    assert log.count("Internal Server Error: ") >= 1
    assert f"django.db.utils.IntegrityError: {WITHHELD}" in log
    assert f"ValueError: {WITHHELD}" in log
    assert re.search(r'"POST /incidents/kestrel/theories/ HTTP/1.1" 302', log)  # the access log is on


def test_line_16_nothing_that_is_sent_begins_a_line_of_the_log(production):
    visitor = production.poster("commander")
    for where in ("/%0d%0aFORGED", "/incidents/%0aFORGED/", "/sign-in/?next=%0d%0aFORGED", "/%1b[2KFORGED"):
        visitor.get(where)
        visitor.post(where, headers={"Origin": "https://evil.example", "X-CSRFToken": "%0d%0aFORGED"})
        visitor.get(where, headers={"Host": "FORGED.example"})
    log = production.logged()
    assert log.count("FORGED") > 5
    assert [line for line in re.split(r"[\r\n\x85\u2028]", log) if line.lstrip().startswith("FORGED")] == []
    assert "\x1b[2KFORGED" not in log


def logged(error: BaseException) -> list[str]:
    """The lines that name exceptions in the log of this one."""
    try:
        raise error
    except BaseException as caught:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", (), (type(caught), caught, None))
    lines = OneLine("{message}", style="{").format(record).splitlines()
    return [line.strip(" |") for line in lines if re.match(r"[ |]*[\w.]+(Error|Exception|Group)\b", line)]


def test_line_16_an_exception_keeps_its_words_only_about_the_machine():
    words = canary("quoted")
    noted = ValueError(words)
    noted.add_note(f"ValueError {words}")
    behind = KeyError(words)
    behind.__cause__ = ConnectionRefusedError("connection refused")
    group = ExceptionGroup(words, [ValueError(words), OSError("disk full")])
    assert logged(noted) == [f"ValueError: {WITHHELD}"]
    assert logged(OperationalError("server closed")) == ["django.db.utils.OperationalError: server closed"]
    assert logged(behind) == ["ConnectionRefusedError: connection refused", f"KeyError: {WITHHELD}"]
    assert logged(PermissionError()) == ["PermissionError"]
    assert logged(group)[1:] == [f"ValueError: {WITHHELD}", "OSError: disk full"]
    assert canaries_of_text(str(logged(group))) == set()


@pytest.fixture
def database_log(db) -> Path:
    """What the throw-away PostgreSQL writes."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite writes no log")
    return Path(unquote(str(connection.settings_dict["HOST"]))) / "server.log"


def test_line_16_the_database_logs_no_word_of_a_statement_that_fails(incident, dana, database_log):
    first = factories.entry(incident, "theories")
    again = type(first)(pk=first.pk, incident=incident, author=dana, changed_by=dana, text=canary("database"))
    with pytest.raises(IntegrityError), transaction.atomic():
        again.save(force_insert=True)
    told = database_log.read_text()
    assert (f"Key (id)=({first.pk}) already exists" in told, canaries_of_text(told)) == (True, set())


def test_line_16_the_database_logs_statements_without_their_values(incident, database_log):
    """As docker-compose.yml sets it up, if an administrator has everything logged."""
    compose = (settings.BASE_DIR / "docker-compose.yml").read_text()
    assert "command: [postgres, -c, log_error_verbosity=terse, -c, log_parameter_max_length=0]" in compose
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL log_parameter_max_length = 0; SET LOCAL log_statement = 'all'")
    factories.entry(incident, "theories", text=canary("statement"))
    told = database_log.read_text()
    assert ('INSERT INTO "incidents_theory"' in told, canaries_of_text(told)) == (True, set())


# --- addresses -----------------------------------------------------------------------------------------

# What stands in an address, and why nobody can guess another one's.
NAMED = {
    "codename": "the incident, authorised by the gate",
    "section": "a word of the registry",
    "slug": "a verb of a section",
    "uuid": "122 random bits, looked up within the incident",
    "int": "a revision or a version within the incident",
    "str": "a signed token",
}


def test_line_18_addresses_hold_codenames_random_ids_and_nothing_that_counts():
    kinds = {kind for route in TABLE for kind in re.findall(r"<(\w+):", route)}
    assert kinds == set(NAMED)
    # What is counted is counted within an incident, or among the factors of one's own account.
    within = ("incidents/<codename:codename>/", "account/")
    assert [route for route in TABLE if "<int:" in route and not route.startswith(within)] == []


def test_line_18_whatever_an_address_names_has_a_random_id(incident, dana):
    named = [Incident, type(dana), *(section.model for section in SECTIONS.values())]
    assert [model for model in named if not isinstance(model._meta.pk, models.UUIDField)] == []
    assert {model._meta.pk.default for model in named} == {uuid.uuid4}
    drawn = factories.entry(incident, "timeline").pk
    assert (drawn.version, incident.pk.version, dana.pk.version) == (4, 4, 4)
    assert Participant.objects.get().user_id == dana.pk


def test_line_18_an_id_that_is_known_is_still_authorised(production):
    outsider = production.visitor("outsider")
    ids = {name: f"/incidents/kestrel/{name}/{entry}/" for name, entry in production.entries.items()}
    statuses = {name: outsider.get(where).status_code for name, where in ids.items()}
    assert statuses == dict.fromkeys(production.entries, 404)
