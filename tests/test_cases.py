"""The five cases: everything that a file says stands on the page, in the report and in the export."""

import io
import json
import re
import subprocess
from datetime import datetime
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client

from incidents import report
from incidents.incident import Incident
from incidents.indicators import refang
from incidents.sections import SECTIONS
from tests.markup import parse, squash

pytestmark = pytest.mark.django_db

CASES = sorted((Path(__file__).parent / "cases").glob("*-20??.json"))
NAMES = [path.stem for path in CASES]
LISTS = (
    "timeline",
    "indicators",
    "details",
    "response",
    "next_steps",
    "theories",
    "lessons",
    "comms",
    "appendix",
)
ZONES = {"matrix-2019": "Europe/London"}  # the zone in which every day of the file is a midnight
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()

# Words of the file → words that people read. Written by hand: what the product says is compared with this.
SAID = {
    "status": {"closed": "Closed", "open": "Open", "ruled out": "Ruled out", "confirmed": "Confirmed"},
    "severity": {"high": "High", "critical": "Critical"},
    "becomes": {"playbook": "Playbook change", "initiative": "Initiative", "none": "Nothing"},
    "role": {"attacker": "Attacker", "victim": "Victim", "own asset": "Own asset", "tool": "Tool"},
    "type": {
        "ipv4": "IPv4",
        "ipv6": "IPv6",
        "domain": "Domain",
        "hostname": "Host name",
        "url": "URL",
        "email": "E-mail",
        "md5": "MD5",
        "sha1": "SHA-1",
        "sha256": "SHA-256",
        "cve": "CVE",
        "filename": "File",
        "account": "Account",
        "user-agent": "User agent",
    },
    "phase": {
        "reconnaissance": "Reconnaissance",
        "weaponization": "Weaponisation",
        "delivery": "Delivery",
        "exploitation": "Exploitation",
        "installation": "Installation",
        "command-and-control": "Command & control",
        "actions-on-objectives": "Actions on objectives",
    },
}
MARKS = {
    ("source_checked", False): "Source not checked",
    ("constructed", True): "Reconstructed",
    ("placeholder", True): "Stand-in",
    ("approximate", True): "≈",
}
FANGED = ("ipv4", "ipv6", "domain", "hostname", "url", "email")


class Loaded:
    """A case that was loaded, with what the page, the report and the export make of it."""

    def __init__(self, path: Path):
        self.path, self.case = path, json.loads(path.read_text())
        out, self.err = io.StringIO(), io.StringIO()
        call_command("load_incident", str(path), commander="lead@example.com", stdout=out, stderr=self.err)
        self.incident = Incident.objects.get(slug=out.getvalue().strip())
        self.zone = ZoneInfo(ZONES.get(path.stem, "UTC"))
        self.commander = self.incident.commander
        self.export = exported(self.incident)

    @cached_property
    def page(self):
        """The document as the commander gets it."""
        client = Client()
        client.force_login(self.commander)
        return parse(client.get(f"/incidents/{self.incident.slug}/").content)

    @cached_property
    def report(self) -> str:
        """The text of the PDF without white space, without the furniture of its pages."""
        copy, pdf = report.make(self.incident, self.commander, "privileged")
        text = subprocess.run(
            ["pdftotext", "-raw", "-", "-"], input=pdf, capture_output=True, check=True
        ).stdout
        furniture = re.compile(rf"{re.escape(str(copy.user))},\d+\w+20\d\d\d\d:\d\d.*|CONFIDENTIAL–.*")
        return "".join(furniture.sub("", squash(page)) for page in text.decode().split("\f"))


def exported(incident) -> dict:
    out = io.StringIO()
    call_command("export_incident", incident.slug, stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture(scope="module", params=CASES, ids=NAMES)
def loaded(request, django_db_setup, django_db_blocker):
    """Each case is loaded once for all tests of this module, and taken back afterwards."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield Loaded(request.param)
        transaction.set_rollback(True)


# --- what must be read where ----------------------------------------------------------------------------


def day_of(at: datetime) -> str:
    return f"{at.day} {MONTHS[at.month - 1]} {at.year}"


def shown(text: str, precision: str, zone: ZoneInfo) -> str:
    """A time of the file as people read it: its day, or day and time in the incident's zone."""
    if len(text) == 10 or precision == "day" and "T00:00:00" in text:
        return day_of(datetime.fromisoformat(text))
    local = datetime.fromisoformat(text).astimezone(zone)
    seconds = f":{local.second:02}" if local.second or precision == "second" else ""
    return f"{day_of(local)} {local.hour:02}:{local.minute:02}{seconds}"


def claims(name: str, row: dict, zone: ZoneInfo) -> list[str]:
    """The texts that an entry of a section must show for each key of its row in the file."""
    found = []
    for key, value in row.items():
        if isinstance(value, bool):
            found.append(MARKS.get((key, value), ""))
        elif value is None:
            found.append("undated" if name in ("timeline", "response") else "")
        elif key in ("until", "due"):
            found.append(shown(value, row.get("precision", ""), zone))
        elif key == "at":
            exact = shown(value, row["precision"], zone)
            whole = name == "comms"  # no day stands over its entries
            found.append(exact if whole else "day" if row["precision"] == "day" else exact.split()[-1])
        elif key in SAID and value in SAID[key]:
            found.append("" if key == "phase" else SAID[key][value])
        elif key == "value" and name == "indicators":
            found.append("")  # test_case_shows_indicators_defanged
        elif key != "precision":
            found.append(value)
    return [text for text in found if text]


def entry_of(loaded: Loaded, name: str, number: int):
    """The entry that the n-th row of a list became: numbers run in the order of the file."""
    extra = len(loaded.case["sources"]) if name == "appendix" else 0
    return SECTIONS[name].model.objects.get(incident=loaded.incident, number=number + extra)


def rows_of(case: dict) -> list[tuple[str, int, dict]]:
    return [(name, number, row) for name in LISTS for number, row in enumerate(case[name], 1)]


def head_claims(loaded: Loaded) -> list[str]:
    """What the file says about the incident as a whole, its sources and its compiler's notes."""
    case, summary = loaded.case, loaded.case["summary"]
    said = [
        case["codename"],
        case["title"],
        case["organisation"],
        case["incident_type"],
        case["business_impact"],
    ]
    said += [
        summary[key] for key in ("codename", "title", "organisation", "incident_type", "business_impact")
    ]
    said += [shown(case["notified_at"], "", loaded.zone), SAID["status"][summary["status"]]]
    said += [SAID["severity"][summary["severity"]], summary["detected_by"], str(summary["dwell_days"])]
    said += [case["background"], *case["compiler_notes"]]
    for source in case["sources"]:
        said += [f"{source['id']} {source['title']}", source["url"], source.get("note", "")]
    return said


# --- the page -------------------------------------------------------------------------------------------


def test_case_loads_without_a_word_about_unknown_keys(loaded):
    assert loaded.err.getvalue() == (
        "lead@example.com had no account; one without a password is made. "
        "Its owner chooses a password by “Forgot the password?”.\n"
    )
    assert loaded.incident.zone_name == loaded.zone.key
    assert set(loaded.case) <= set(loaded.export)


def test_case_is_on_the_page(loaded):
    page = loaded.page
    everything = squash(page.text())
    assert [text for text in head_claims(loaded) if squash(text) not in everything] == []
    missing = []
    for name, number, row in rows_of(loaded.case):
        body = squash(page.by_id(f"{name}-{entry_of(loaded, name, number).pk}-body").text())
        missing += [
            (name, number, text) for text in claims(name, row, loaded.zone) if squash(text) not in body
        ]
    assert missing == []


def test_case_puts_each_entry_under_its_day_phase_and_group(loaded):
    page = loaded.page
    for name in ("timeline", "response"):
        heading, days = "", {}
        for item in page.by_id(name).all("li"):
            if item.attrs.get("class") == "day":
                heading = item.text()
            elif "entry" in item.attrs.get("class", ""):
                days[item.attrs["id"]] = heading
        for number, row in enumerate(loaded.case[name], 1):
            if row["at"] is None:
                continue
            said = shown(row["at"], row["precision"], loaded.zone)
            assert said.startswith(days[f"{name}-{entry_of(loaded, name, number).pk}"])
    for number, row in enumerate(loaded.case["details"], 1):
        phase = page.by_id(f"phase-{row['phase']}")
        assert phase.by_id(f"details-{entry_of(loaded, 'details', number).pk}")
        assert SAID["phase"][row["phase"]] in phase.text()
    for number, row in enumerate(loaded.case["next_steps"], 1):
        item = page.by_id(f"next_steps-{entry_of(loaded, 'next_steps', number).pk}")
        assert item.parent.attrs["id"] == ("next_steps-done" if row["done"] else "next_steps-open")


def test_case_marks_nothing_that_the_file_does_not_mark(loaded):
    page = loaded.page
    for name, number, row in rows_of(loaded.case):
        body = page.by_id(f"{name}-{entry_of(loaded, name, number).pk}-body").text()
        for (key, value), mark in MARKS.items():
            if mark != "≈":
                assert (mark in body) == (row.get(key) is value), (name, number, mark)


def test_case_shows_indicators_defanged(loaded):
    page = loaded.page
    for number, row in enumerate(loaded.case["indicators"], 1):
        body = page.by_id(f"indicators-{entry_of(loaded, 'indicators', number).pk}-body")
        [value] = body.all("span", "v")
        assert refang(value.exact()) == row["value"]
        if row["type"] in FANGED and "." in row["value"] and not row["value"].startswith("/"):
            assert value.exact() != row["value"] and "[.]" in value.exact()
            assert row["value"] not in body.text()
        assert body.all("a") == [] and body.all("img") == []


# What the file itself says stands out of the order of time (compiler_notes): the overlap of 4 to 6 April.
OVERLAPS = {"matrix-2019": {4: 7, 5: 8, 6: 4, 7: 5, 8: 6}}  # where the page has another entry: row → entry


def test_case_keeps_the_order_of_its_timeline(loaded):
    numbers = {
        f"timeline-{entry.pk}": entry.number
        for entry in SECTIONS["timeline"].shown(loaded.incident, "privileged")
    }
    order = [numbers[item.attrs["id"]] for item in loaded.page.by_id("timeline").all("li", "entry")]
    said = OVERLAPS.get(loaded.path.stem, {})
    assert order == [said.get(place, place) for place in range(1, len(loaded.case["timeline"]) + 1)]


# --- the report and the export --------------------------------------------------------------------------


def test_case_is_in_the_report(loaded):
    text = loaded.report
    wanted = [("head", 0, said) for said in head_claims(loaded)]
    for name, number, row in rows_of(loaded.case):
        wanted += [(name, number, said) for said in claims(name, row, loaded.zone)]
        if name == "indicators":
            wanted.append((name, number, entry_of(loaded, name, number).defanged))
            if row["type"] in ("ipv4", "url", "email") and "[.]" in entry_of(loaded, name, number).defanged:
                assert squash(SAID["type"][row["type"]] + row["value"]) not in text
    assert [claim for claim in wanted if squash(claim[2]) not in text] == []
    for (key, value), mark in MARKS.items():
        rows = [row for _, _, row in rows_of(loaded.case) if row.get(key) is value]
        sources = [
            row for row in loaded.case["sources"] if (key, row["checked"]) == ("source_checked", value)
        ]
        assert text.count(squash(mark)) >= len(rows) + len(sources), mark


def same(ours: object, theirs: object, zone: ZoneInfo, precision: str = "") -> bool:
    """Whether a value of the export is the fact of the file; times are compared as moments."""
    if ours == theirs:
        return True
    try:
        times = [datetime.fromisoformat(text) for text in (ours, theirs)]
    except (TypeError, ValueError):
        return False
    if precision == "day" and "T00:00:00" in ours and "T00:00:00" in theirs:
        return times[0].date() == times[1].date()
    return times[0] == times[1]


def test_case_is_in_the_export(loaded):
    case, export = loaded.case, loaded.export
    for key in ("codename", "title", "organisation", "incident_type", "business_impact", "sources"):
        assert export[key] == case[key]
    for key in ("background", "compiler_notes"):
        assert export[key] == case[key]
    assert same(export["notified_at"], case["notified_at"], loaded.zone)
    assert {**export["summary"], "notified_at": ""} == {**case["summary"], "notified_at": ""}
    for name in LISTS:
        ours = export[name]
        if name in ("timeline", "response", "comms"):
            order = {e.number: i for i, e in enumerate(SECTIONS[name].shown(loaded.incident, "privileged"))}
            ours = [ours[order[number]] for number in range(1, len(ours) + 1)]
        assert len(ours) == len(case[name])
        for mine, row in zip(ours, case[name], strict=True):
            precision = row.get("precision", "")
            for key in set(mine) | set(row):
                if key == "stands_after":  # our way to say what the order of the array says
                    continue
                assert same(mine.get(key), row.get(key), loaded.zone, precision), (name, key, mine, row)


def test_case_survives_a_second_round(loaded, tmp_path):
    again = tmp_path / "again.json"
    again.write_text(json.dumps(loaded.export))
    second = Loaded(again)
    assert second.err.getvalue() == ""
    renamed = json.loads(
        json.dumps(second.export).replace(second.incident.codename, loaded.incident.codename)
    )
    assert second.incident.slug != loaded.incident.slug
    assert renamed == loaded.export
