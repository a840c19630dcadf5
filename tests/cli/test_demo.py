"""openalgo-store demo, and the command as a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from openalgo_store.cli.report import progress_of
from tests.support.command import counts, fail, succeed


def test_progress_is_shown_on_a_terminal_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with progress_of(range(10), None) as rows:
        assert sum(rows) == 45
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress_of(range(10), 10) as rows:
        assert sum(rows) == 45
    assert "10/10" in capsys.readouterr().err


def test_the_demo_shows_two_loads_lookups_a_search_and_a_chain_and_may_be_repeated(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    for _ in range(2):
        output = succeed("demo", "--rows", "2000")
        first, second = (counts(part) for part in output.split("The next day's file"))
        assert first["inserted"] == 2000
        assert second == {
            "inserted": 20,
            "updated": 60,
            "deleted": 20,
            "unchanged": 1920,
            "rejected": 5,
        }
        assert "NIFTY25AUG26FUT: token " in output
        assert "a cached get_symbol_token: " in output
        assert "NIFTY18AUG2624500CE  NFO       2026-08-18" in output
        assert "NIFTY on NFO, 18 Aug 2026: lot 65" in output
        assert "    None" not in output
    made = here / "openalgo-demo"
    assert [each.name for each in here.iterdir()] == [made.name]
    assert len(list((made / "databases").glob("*.db"))) == 5
    assert len(list(made.glob("zerodha-*.csv.gz"))) == 2


def test_the_demo_refuses_a_folder_that_is_not_its_own(here: Path) -> None:
    precious = here / "precious"
    precious.mkdir()
    (precious / "file").write_text("mine")
    assert "not of a demo" in fail("demo", "--rows", "500", "--folder", precious)
    assert [each.name for each in precious.iterdir()] == ["file"]
    assert "cannot be used" in fail("demo", "--folder", precious / "file")
    assert "500 or more" in fail("demo", "--rows", "10")


def test_the_command_works_as_a_process_and_where_only_ascii_can_be_printed(here: Path) -> None:
    command = Path(sys.executable).with_name("openalgo-store")
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii", "PATH": "/nowhere"}
    for arguments in (["demo", "--rows", "500", "--folder", "démo"], ["init"], ["status"]):
        done = subprocess.run(
            [command, *arguments], env=ascii_only, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        if arguments[0] == "demo":  # it tells a command that works where none is on the path
            assert f"`{command} status`" in done.stdout
    done = subprocess.run(
        [command, "token", "NOTHING", "NSE", "zerodha"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: NOTHING on NSE of zerodha: not found\n"
