"""The file .env: what a line means, which are refused, and where a shell reads something else."""

import os
import subprocess
from pathlib import Path

import pytest

from openalgo_store import ConfigurationError, InvalidInput, Settings, read_env_file
from openalgo_store.settings.env_file import unlike_in_a_shell

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


def test_the_settings_of_a_file_are_those_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_POOL_SIZE", "7")
    path = tmp_path / ".env"
    url = "postgresql://u:p@h/d?sslmode=require&connect_timeout=5"
    path.write_text(f"DATABASE_URL={url}\nDB_POOL_SIZE=4\n")
    for given in (path, str(path)):
        settings = Settings.from_env({**read_env_file(given), **os.environ})
        assert settings.database_url.endswith("/d?connect_timeout=5&sslmode=require")
        assert settings.db_pool_size == 7


@pytest.mark.parametrize("path", [None, 1.5, "a\0b"])
def test_what_is_no_path_is_invalid(path: str) -> None:
    with pytest.raises(InvalidInput, match="the path of a file is needed"):
        read_env_file(path)


SHELL_LINES = [
    *(line for line, _ in ENV_LINES),
    "A=postgresql://u:p@h/d?sslmode=require&connect_timeout=5",
    "A='postgresql://u:p@h/d?sslmode=require&connect_timeout=5'",
    'A="postgresql://u:p@h/d?sslmode=require&connect_timeout=5"',
    "A=postgresql://u:p%40w@h:5432/d?sslmode=require",
    "A=sqlite:////srv/open algo/main.db",
    "A=one;two", "A=one|two", "A=one<two", "A=one>two", "A=(one)", "A=$HOME", 'A="$HOME"',
    "A='$HOME'", "A=`id`", 'A="`id`"', "A=\\x", 'A="\\x"', 'A="\\$HOME"', "A=~", "A=x:~",
    "A=a*b?c[d]", "A={1,2}", "export A='1 2'", "export A=1 2", "A =1", "A= 1",
    "\tA=1\t# one", "A=é", "A='é ü'",
    "A=\u00a0x", "A=x\u2028y", "A='x'\r", "\ufeffA=1", "A=a\"b", "A='a'", "A=!x",
    "A=x^y%z,+@-_./:=", "A=x\\", "A=\"a#b\" # c", "A=#x",
]  # fmt: skip


@pytest.mark.parametrize("text", SHELL_LINES)
def test_a_shell_reads_the_same_or_the_variable_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / ".env"
    path.write_bytes(f"{text}\n".encode())
    try:
        ours = read_env_file(path)
    except ConfigurationError:
        return
    told = 'set -a; . ./.env; set +a; printf %s "${A-none}"'
    read = subprocess.run(["sh", "-c", told], cwd=tmp_path, capture_output=True, check=False)
    is_same = read.stdout.decode(errors="replace") == ours["A"]
    assert is_same or unlike_in_a_shell(path) == ["A"]
    assert not unlike_in_a_shell(path) or not is_same or text in HARMLESS


HARMLESS = {"A={1,2}", "A=x:~"}
"""Named all the same: other shells take them otherwise."""
