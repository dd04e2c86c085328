"""The house: lower floors never import higher ones, and no room is too large."""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent

FLOORS = {
    "vocabulary": 0, "moments": 0, "codenames": 0, "merging": 0, "indicators": 0, "text": 0, "printing": 0,
    "converters": 0, "mentions": 0,
    "ledger": 1, "people": 1, "reading": 1, "bus": 1, "invitations": 1, "succession": 1, "letters": 1,
    "hooks": 1, "notices": 1, "comments": 1,
    "looking": 1,
    "access": 2,
    "door": 3, "membership": 3, "command": 3, "talk": 3, "incident": 3,
    "sections": 4,
    "models": 5,
    "gate": 6, "rendering": 6, "conflicts": 6, "history": 6, "files": 6, "facts": 6, "checks": 6, "forms": 6,
    "people_forms": 6, "noticeboard": 6, "past": 6, "news": 6, "conversation": 6,
    "templatetags": 6,
    "live": 7, "delivery": 7, "streams": 7, "presence": 7, "bell": 7, "logins": 7,
    "report": 7, "notify": 7, "exports": 7, "loading": 7,
    "tidings": 7, "telling": 7, "webhooks": 7, "notice_forms": 7,
    "views": 8, "urls": 8, "management": 8, "apps": 8,
}  # fmt: skip

# A look upwards that happens at run time only, and why.
EXCUSED = {
    ("gate", "urls"),  # the system check reads the routes that it guards
    ("converters", "sections"),  # an address names a registered section
}


def modules() -> list[Path]:
    """The modules of the application, without what Django generates."""
    return [path for path in (ROOT / "incidents").rglob("*.py") if "migrations" not in path.parts]


def imported(path: Path) -> set[str]:
    """The rooms of this application that a module imports, wherever in it."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = (
                [node.module] if node.module != "incidents" else [f"incidents.{a.name}" for a in node.names]
            )
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        rooms |= {name.split(".")[1] for name in names if name.startswith("incidents.")}
    return rooms


def room(path: Path) -> str:
    """Which room of the house a module is in."""
    return path.relative_to(ROOT / "incidents").parts[0].removesuffix(".py")


def upward(paths: list[Path]) -> list[str]:
    """Imports that lead to a higher floor."""
    return [
        f"{path.relative_to(ROOT)} imports {other}"
        for path in paths
        for other in imported(path)
        if FLOORS[other] > FLOORS[room(path)] and (room(path), other) not in EXCUSED
    ]


def test_every_room_has_a_floor():
    assert {room(path) for path in modules()} - {"__init__"} == set(FLOORS)


def test_no_floor_imports_a_higher_one():
    assert upward(modules()) == []


def test_an_upward_import_would_be_found(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.test_floors.ROOT", tmp_path)
    wrong = tmp_path / "incidents" / "access.py"
    wrong.parent.mkdir()
    wrong.write_text("def f():\n    from incidents.views import people\n")
    assert upward([wrong]) == ["incidents/access.py imports views"]


def test_accounts_never_import_incidents():
    sources = [path.read_text() for path in (ROOT / "accounts").rglob("*.py")]
    assert [source for source in sources if "import incidents" in source or "from incidents" in source] == []


def test_no_room_passes_400_lines():
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in ("incidents", "accounts", "config")
        for path in (ROOT / folder).rglob("*.py")
        if "migrations" not in path.parts and (lines := len(path.read_text().splitlines())) > 400
    }
    assert long == {}


def test_views_stay_under_their_budget():
    long = {
        path.name: lines
        for path in (ROOT / "incidents" / "views").glob("*.py")
        if (lines := len(path.read_text().splitlines())) > 260
    }
    assert long == {}


def test_nothing_asks_guardian_or_rank_for_a_decision():
    source = (ROOT / "incidents" / "access.py").read_text()
    assert "is_superuser" not in source and "is_staff" not in source
    everywhere = "".join(path.read_text() for path in modules())
    assert "guardian.shortcuts" not in everywhere and ".has_perm(" not in everywhere
