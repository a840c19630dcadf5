"""docs/adding-a-table.md, followed to the letter in a copy of the project."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from openalgo_store.settings import DATABASES

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "adding-a-table.md"
COPIED = ("benchmarks", "docs", "docsite", "migrations", "openalgo_store", "sql", "tests")
BLOCK = re.compile(r'^```(\w+) title="(?!as in )(.*?)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
TESTS = (
    "tests/contract/strategies/test_watchlists.py",
    "tests/rules/test_diagrams.py::test_the_pictures_are_what_the_code_draws",
    "tests/rules/test_docs.py::test_every_public_name_stands_in_the_reference_once",
    "tests/rules/test_odd_arguments.py",
    "tests/schema/test_row_numbers.py",
    "tests/schema/test_schema.py::test_up_down_up_gives_the_same_schema_and_down_leaves_nothing",
    "tests/schema/test_schema.py::test_the_tables_and_the_migrations_make_the_same_schema",
    *("-k", "watchlist or pictures or reference or deletes_from or -main"),
)
"""What looks at the new table and its functions, of all that the page asks to run."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project without what it has grown."""
    for name in COPIED:
        grown = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=grown)
    for path in (*ROOT.glob("*.toml"), *ROOT.glob("*.md"), ROOT / ".importlinter"):
        shutil.copy(path, tmp_path)
    return tmp_path


def steps(folder: Path) -> Iterator[tuple[str, Path, str]]:
    """What kind of block, for which file, and what stands in it."""
    newest = max((folder / "migrations" / "main" / "sqlite").glob("main-*.sql")).name
    number = f"{int(newest.split('-')[1]) + 1:04}"
    for kind, path, block in BLOCK.findall(PAGE.read_text()):
        yield kind, folder / path.replace("NNNN", number), block


def changed(text: str, block: str) -> str:
    """The lines marked + put in, each at the one place that fits."""
    for hunk in block.split("@@\n"):
        lines = [(each[:1], each[1:]) for each in hunk.splitlines(keepends=True)]
        old = "\n" + "".join(line for mark, line in lines if mark != "+")
        assert text.count(old) == 1, f"the page shows this as a place; it is none, or several:{old}"
        text = text.replace(old, "\n" + "".join(line for _, line in lines))
    return text


def test_who_follows_the_steps_ends_with_a_table(copy: Path, engine_name: str) -> None:
    if (copy / "sql" / "strategies" / "watchlists.sql").exists():
        pytest.skip("somebody follows them just now")
    for kind, path, block in steps(copy):
        if kind == "diff":
            path.write_text(changed(path.read_text(), block))
        elif path.exists():
            path.write_text(f"{path.read_text()}\n\n{block}")
        else:
            path.write_text(block)
    environment = os.environ | {"PYTHONPATH": str(copy), "OPENALGO_TEST_ENGINES": engine_name}
    for command in (["docsite"], ["pytest", "-q", "-p", "no:cacheprovider", *TESTS]):
        run = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=copy, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    assert "watchlists" in (copy / "docs" / "diagrams" / f"{DATABASES[0]}.svg").read_text()
