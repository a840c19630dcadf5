"""The .env file and other settings of the command: what counts, and of what init warns."""

import subprocess
import sys
from pathlib import Path

import pytest

from openalgo_store import read_env_file
from openalgo_store.settings import DATABASES, variable_of
from tests.support.command import SECRETS, fail, run, succeed


def test_the_env_file_of_the_folder_counts_and_the_environment_more(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"{variable_of(name)}=sqlite:///from_file/{name}.db" for name in DATABASES]
    (here / ".env").write_text("\n".join(lines))
    succeed("init")
    assert len(list((here / "from_file").glob("*.db"))) == 5
    monkeypatch.setenv("LOGS_DATABASE_URL", "sqlite:///from_environment/logs.db")
    succeed("init")
    assert (here / "from_environment" / "logs.db").exists()
    assert not (here / "databases").exists()


def test_the_library_does_not_read_the_env_file(here: Path) -> None:
    (here / ".env").write_text("DATABASE_URL=sqlite:///from_file/main.db")
    code = "import openalgo_store; openalgo_store.init_databases()"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert (here / "databases" / "openalgo.db").exists()
    assert not (here / "from_file").exists()


def test_a_malformed_env_file_is_refused_without_showing_its_text(here: Path) -> None:
    (here / ".env").write_text("# keys\nAPI_KEY_PEPPER=x\ntop secret\n")
    assert fail("status") == "error: .env, line 3: write KEY=VALUE, closing every quote"


def test_a_setting_that_cannot_work_is_one_line(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_POOL_SIZE", "many")
    for command in ("init", "migrate", "status"):
        assert "DB_POOL_SIZE" in fail(command)


def test_init_warns_of_values_that_a_shell_takes_otherwise(here: Path) -> None:
    lines = "DB_POOL_SIZE=4\nMINE=one two\nOTHER = 1\nQUOTED='one & two'\n"
    (here / ".env").write_text(lines)
    result = run("init")
    assert result.exit_code == 0
    assert "warning: a shell that reads .env takes MINE, OTHER otherwise: write NAME=" in (
        result.stderr
    )
    (here / ".env").write_text(lines.replace("one two", "'one two'").replace(" = ", "="))
    assert "shell" not in run("init").stderr


def test_a_shell_reads_what_init_writes(here: Path) -> None:
    """As docs/secrets.md says."""
    succeed("init")
    made = read_env_file(here / ".env")
    told = 'set -a; . ./.env; set +a; printf \'%s\\n\' "$API_KEY_PEPPER" "$TOKEN_ENCRYPTION_KEYS"'
    read = subprocess.run(["sh", "-c", told], capture_output=True, text=True, check=True).stdout
    assert read.splitlines() == [made[name] for name in SECRETS]
    assert all(f"{name}='" in (here / ".env").read_text() for name in SECRETS)
