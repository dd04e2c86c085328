"""What the database holds, read past the application, and the invariants about it."""

import json
import sqlite3
import uuid
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field

TABLES = {
    "theories": "incidents_theory",
    "timeline": "incidents_timelineentry",
    "lessons": "incidents_lesson",
    "appendix": "incidents_appendix",
}


@dataclass
class Row:
    """An entry as it is stored."""

    version: int
    hidden: bool
    privileged: bool
    text: str


@dataclass
class Acknowledged:
    """What the server said it had stored: a word that is nowhere else, and the entry that it was written into."""

    words: dict[str, str] = field(default_factory=dict)

    def add(self, word: str, entry_id: str) -> None:
        """A 2xx came back."""
        self.words[word] = entry_id


class Store:
    """A look into the database of a product. Each question opens a connection of its own."""

    def __init__(self, product):
        self.url, self.file = product.database_url, product.folder / "sitroom.sqlite3"

    def ask(self, statement: str, *values) -> list[tuple]:
        """The rows of a query; %s stands for a value."""
        if self.url:
            import psycopg

            with psycopg.connect(self.url) as connection:
                return connection.execute(statement, values).fetchall()
        with closing(sqlite3.connect(self.file, timeout=60)) as connection:
            return connection.execute(statement.replace("%s", "?"), values).fetchall()

    def incident_id(self, codename: str):
        """The primary key of an incident, in the database's own form."""
        [(found,)] = self.ask("SELECT id FROM incidents_incident WHERE slug = %s", codename)
        return found

    def entries(self, codename: str) -> dict[str, Row]:
        """Element id → entry, hidden ones included."""
        incident = self.incident_id(codename)
        found = {}
        for section, table in TABLES.items():
            columns = "id, version, hidden, privileged, text"
            for entry_id, version, hidden, privileged, text in self.ask(
                f"SELECT {columns} FROM {table} WHERE incident_id = %s", incident
            ):
                element = f"{section}-{uuid.UUID(str(entry_id))}"
                found[element] = Row(version, bool(hidden), bool(privileged), text)
        return found

    def shown(self, codename: str, privileged: bool = False) -> dict[str, int]:
        """Element id → version of what stands on the screen of whoever reads the document."""
        return {
            element: row.version
            for element, row in self.entries(codename).items()
            if not row.hidden and (privileged or not row.privileged)
        }

    def text_at(self, entry_id: str, version: int) -> str:
        """The text of an entry at a version, as the ledger has it; "" when it was only hidden or shown then."""
        key = uuid.UUID(entry_id).hex if not self.url else entry_id
        question = 'SELECT "values" FROM incidents_change WHERE entry_id = %s AND version = %s'
        [(values,)] = self.ask(question, key, version)
        return (values if isinstance(values, dict) else json.loads(values)).get("text", "")

    def ledger(self, codename: str) -> list[tuple[int, str, str, dict]]:
        """Revision, action, entry id, values of each change."""
        rows = self.ask(
            'SELECT revision, action, entry_id, "values" FROM incidents_change '
            "WHERE incident_id = %s ORDER BY revision",
            self.incident_id(codename),
        )
        return [
            (
                revision,
                action,
                str(uuid.UUID(str(entry_id))) if entry_id else "",
                values if isinstance(values, dict) else json.loads(values),
            )
            for revision, action, entry_id, values in rows
        ]


def faults(store: Store, codename: str, acknowledged: Acknowledged) -> dict[str, list[str]]:
    """Invariant → what breaks it (at most a few examples); all empty when the store is as it must be."""
    ledger = store.ledger(codename)
    revisions = [revision for revision, *_ in ledger]
    added = Counter(entry_id for _, action, entry_id, _ in ledger if action == "add")
    written: dict[str, set[str]] = {}
    for _, _, entry_id, values in ledger:
        for word in str(values.get("text", "")).split():
            written.setdefault(word, set()).add(entry_id)
    entries = {element.partition("-")[2]: row for element, row in store.entries(codename).items()}
    lost = [word for word, entry_id in acknowledged.words.items() if entry_id not in written.get(word, set())]
    twice = [word for word in acknowledged.words if len(written.get(word, set())) > 1]
    twice += [entry_id for entry_id, times in added.items() if times != 1]
    apart = [entry_id for entry_id, row in entries.items() if added[entry_id] != 1]
    apart += [entry_id for entry_id in added if entry_id not in entries]
    gaps = (
        []
        if revisions == list(range(1, len(revisions) + 1))
        else [f"{len(revisions)} rows, last {revisions[-1:]}"]
    )
    return {
        f"acknowledged ⊆ stored ({len(acknowledged.words)} words in {len(entries)} entries)": lost[:5],
        "exactly once": twice[:5],
        "one entry for each ‘add’ in the ledger and the other way round": apart[:5],
        f"no gap in the revisions 1…{len(revisions)}": gaps,
    }
