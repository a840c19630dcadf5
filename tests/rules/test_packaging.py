"""The wheel: built, installed in an environment of its own, and used from another folder."""

import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import openalgo_store as s
s.init_databases()
print(s.get_schema_version("main"), s.count_symbols())
"""


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built by the build backend itself."""
    folder = tmp_path_factory.mktemp("wheel")
    code = f"import hatchling.build; print(hatchling.build.build_wheel({str(folder)!r}))"
    built = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return folder / built.stdout.splitlines()[-1]


def test_the_wheel_holds_every_statement_and_migration(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("sql", "migrations"):
        files = {
            f"openalgo_store/{each.relative_to(ROOT)}" for each in (ROOT / folder).rglob("*.sql")
        }
        assert files
        assert files <= names
    assert {"openalgo_store/py.typed"} <= names


def test_the_changelog_begins_with_the_version_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    released = re.findall(r"^## \[(\d.*?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert released[0] == version


def test_the_installed_wheel_works_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    """Its dependencies come from this environment; the package itself only from the wheel."""
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    python = tmp_path / "venv" / "bin" / "python"
    site = next((tmp_path / "venv").glob("lib/python*/site-packages"))
    zipfile.ZipFile(wheel).extractall(site)
    here = next(path for path in sys.path if path.endswith("site-packages"))
    (site / "dependencies.pth").write_text(here)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "DATABASE"))}
    run = subprocess.run(
        [python, "-c", f"import openalgo_store as s; print(s.__file__){PROGRAM}"],
        cwd=elsewhere, capture_output=True, text=True, env=environment,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.split()[0].startswith(str(site))
    files = (ROOT / "migrations" / "main" / "sqlite").glob("*.sql")
    assert run.stdout.split()[1:] == [max(each.name.partition(".")[0] for each in files), "0"]
    assert (elsewhere / "databases" / "openalgo.db").exists()
