"""docs/sections.md is followed word by word: a thirteenth section is a module, a template and a line."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("accounts", "config", "incidents", "templates", "static", "tests")
FILES = ("manage.py", "pyproject.toml")


def blocks(kind: str) -> list[tuple[str, str]]:
    """The code blocks of a kind, each with the path that stands before it."""
    page = (ROOT / "docs" / "sections.md").read_text()
    found = re.findall(rf"(?:`([^`\n]+)`\n\n)?```{kind}\n(.*?)```", page, re.DOTALL)
    return [(path, code) for path, code in found]


def run(folder: Path, *arguments: str) -> str:
    """A command in the copy, with a database of its own."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("COV_", "COVERAGE_"))},
        "DATA_DIR": str(folder / "var"),
        "PYTHONPATH": str(folder),
        "TEST_DATABASE": "sqlite",
        "DATABASE_URL": "",
    }
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_on_sections_makes_a_thirteenth_section(tmp_path):
    copy = tmp_path / "sitroom"
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__", "browser"))
    for name in FILES:
        shutil.copy(ROOT / name, copy / name)

    for path, code in blocks("python") + blocks("django"):
        (copy / path).write_text(code)
    [(_, lines)] = blocks("registry")
    imported, listed = lines.splitlines()
    registry = copy / "incidents" / "sections" / "__init__.py"
    text = registry.read_text()
    text = text.replace("from incidents.sections.details", f"{imported}\nfrom incidents.sections.details")
    registry.write_text(
        text.replace("        AppendixSection(),\n", f"        AppendixSection(),\n{listed}\n")
    )

    assert "Create model Cost" in run(copy, "manage.py", "makemigrations", "incidents")
    run(copy, "manage.py", "migrate", "--verbosity", "0")
    picked_up = run(
        copy, "-m", "pytest", "-p", "tests.postgres_plugin", "-p", "no:cacheprovider", "-q", "-k", "costs",
        "tests/test_sections.py", "tests/test_incident.py",
    )  # fmt: skip
    passed = int(re.search(r"(\d+) passed", picked_up)[1])
    assert passed >= 8
