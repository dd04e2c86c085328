"""What a write costs: the same in a long document as in a short one."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from incidents import rendering
from incidents.sections import SECTIONS
from incidents.vocabulary import Audience
from tests import factories

MANY = [name for name, section in SECTIONS.items() if section.many and name != "appendix"]
HTMX = {"HX-Request": "true"}


def asked(act) -> list[str]:
    """The statements of an act."""
    with CaptureQueriesContext(connection) as captured:
        assert act().status_code == 200
    return [query["sql"] for query in captured.captured_queries]


def fields_of(as_dana, address: str) -> dict[str, str]:
    """What the form at an address would send unchanged."""
    form = as_dana.get(address, headers=HTMX).context["form"]
    values = {bound.html_name: bound.value() for bound in form if bound.name not in form._moments}
    for name in form._moments:
        day, clock = form.fields[name].widget.decompress(form.initial[name])
        values |= {f"{name}_0": day, f"{name}_1": clock}
    return {name: value for name, value in values.items() if value not in (None, False)}


@pytest.mark.parametrize("name", MANY)
def test_an_edit_costs_at_most_twelve_queries_however_long_the_document_is(incident, dana, as_dana, name):
    column = "value" if name == "indicators" else "text"
    costs = []
    for _ in range(2):
        entry = factories.entry(incident, name)
        address = f"/incidents/kestrel/{name}/{entry.pk}/"
        sent = {**fields_of(as_dana, f"{address}edit/"), column: "changed.example"}
        costs.append(asked(lambda: as_dana.post(address, sent, headers=HTMX)))  # noqa: B023
        for _ in range(3):
            factories.entry(incident, name)
    assert len(costs[1]) == len(costs[0]), "\n".join(costs[1])
    statements = [sql for sql in costs[0] if "SAVEPOINT" not in sql]
    assert len(statements) <= 12, "\n".join(statements)


@pytest.mark.parametrize("name", MANY)
def test_an_entry_that_is_added_costs_at_most_twelve_queries_all_told(incident, as_dana, name):
    address = f"/incidents/kestrel/{name}/"
    sent = fields_of(as_dana, f"{address}new/")
    sent |= {key: value for key, value in factories.LEAST[name].items() if isinstance(value, str)}
    costs = []
    for _ in range(2):
        sent["id"] = str(uuid.uuid4())
        costs.append(asked(lambda: as_dana.post(address, sent, headers=HTMX)))
    statements = [sql for sql in costs[1] if "SAVEPOINT" not in sql]
    assert (len(costs[0]), len(statements) <= 12) == (len(costs[1]), True), "\n".join(statements)


def test_what_a_reader_missed_costs_the_same_queries_for_few_entries_and_for_many(incident):
    def queries() -> int:
        incident.refresh_from_db()
        rows = list(incident.changes.all())
        with CaptureQueriesContext(connection) as captured:
            assert rendering.message(incident, rows, Audience.DOCUMENT)
        return len(captured)

    for _ in range(2):
        factories.entry(incident, "timeline")
        factories.entry(incident, "theories")
    rendering.message(incident, list(incident.changes.all()), Audience.DOCUMENT)  # each body is made once
    few = queries()
    for _ in range(6):
        factories.entry(incident, "timeline")
        factories.entry(incident, "theories")
    assert queries() == few
