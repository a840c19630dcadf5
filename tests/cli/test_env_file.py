"""The .env file and other settings of the command: what a line means, and which are refused."""

import subprocess
import sys
from pathlib import Path

import pytest

from openalgo_store import ConfigurationError
from openalgo_store.settings import DATABASES, variable_of
from openalgo_store.settings.env_file import read_env_file
from tests.support.command import fail, succeed


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


ENV_LINES = [
    ("A=1", "1"),
    ("  export A = 1  ", "1"),
    ("A=", ""),
    ("A=one two # three", "one two"),
    ("A= # nothing", ""),
    ("A=abc=#def", "abc=#def"),
    ("A=one#two", "one#two"),
    ("A=it's", "it's"),
    ("A='#one $two \\n' # three", "#one $two \\n"),
    ('A="one # two\\n\\"three\\" \\\\"', 'one # two\n"three" \\'),
    ("A=postgresql://u:p#w@h/d?sslmode=require", "postgresql://u:p#w@h/d?sslmode=require"),
    ("A=1\r", "1"),
    ("A=1\nA=2", "2"),
    ("\ufeff# comment\n\nA=1", "1"),
]


@pytest.mark.parametrize(("text", "value"), ENV_LINES)
def test_an_env_line_has_this_value(tmp_path: Path, text: str, value: str) -> None:
    path = tmp_path / ".env"
    path.write_bytes(text.encode())
    assert read_env_file(path) == {"A": value}


@pytest.mark.parametrize(
    "line", ["A", "=1", "1A=1", "A-B=1", "A='1", 'A="1', "A='1'2", 'A="1" 2', "export", "A B=1"]
)
def test_such_an_env_line_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / ".env"
    path.write_text(f"\n{line}\n")
    with pytest.raises(ConfigurationError, match=r"\.env, line 2: write KEY=VALUE"):
        read_env_file(path)


def test_an_env_file_that_is_absent_is_empty_and_one_that_is_no_text_is_refused(
    tmp_path: Path,
) -> None:
    path = tmp_path / ".env"
    assert read_env_file(path) == {}
    path.write_bytes(b"A=\xff\xfe")
    with pytest.raises(ConfigurationError, match="UTF-8"):
        read_env_file(path)
