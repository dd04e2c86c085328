"""Addresses that somebody kept."""

import pytest

from incidents import report
from incidents.vocabulary import Audience
from tests import factories
from tests.markup import parse
from tests.test_matrix import SENT, TABLE, address

WITH_INCIDENT = sorted(route for route in TABLE if "<codename:codename>" in route)


def withdraw(room, how: str) -> None:
    """Take the responder's access away."""
    responder, commander = room.people["responder"], room.people["commander"]
    if how == "removed":
        room.incident.let_out(responder, by=commander)
    else:
        type(responder).objects.filter(pk=responder.pk).update(is_active=False)


@pytest.mark.parametrize(("how", "status"), [("removed", 404), ("disabled", 302)])
def test_line_11_links_that_were_kept_obey_todays_grants(room, how, status):
    client = room.client("responder")
    kept = [where for route in WITH_INCIDENT if client.get(where := address(route, room)).status_code == 200]
    step = room.entries["next_steps"]
    kept += [f"/incidents/kestrel/#next_steps-{step.pk}", "/incidents/kestrel/?all=1"]
    assert len(kept) > 8
    withdraw(room, how)
    assert {where: client.get(where).status_code for where in kept} == dict.fromkeys(kept, status)
    posted = {
        route: client.post(address(route, room), SENT.get(route, {})).status_code
        for route in WITH_INCIDENT
        if "POST" in TABLE[route]
    }
    assert set(posted.values()) == {status}


def test_line_11_a_report_holds_no_address_of_this_site(room):
    copy = report.reading.numbered(room.incident, room.people["legal"])
    factories.entry(room.incident, "background", text="See [the plan](/incidents/kestrel/) and /incidents/")
    html = report.compose(room.incident, copy, Audience.PRIVILEGED)
    links = [link.attrs["href"] for link in parse(html).all("a") if "href" in link.attrs]
    assert links and [link for link in links if not link.startswith(("#", "https://"))] == []
