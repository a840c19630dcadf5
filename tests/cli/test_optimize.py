"""`openalgo-store optimize` as a command."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from openalgo_store import Settings
from openalgo_store.settings import DATABASES
from tests.support.command import run, succeed


def test_each_database_is_a_line_with_its_sizes(secrets: Settings) -> None:
    head, *lines = succeed("optimize").splitlines()
    assert head.split() == ["database", "before", "after", "done"]
    rows = [line.split() for line in lines[: len(DATABASES)]]
    assert [row[0] for row in rows] == list(DATABASES)
    assert {row[2] for row in rows} <= {"kB", "MB"}
    assert all("statistics" in line for line in lines[: len(DATABASES)])


def test_programs_get_sizes_and_steps_as_json(secrets: Settings) -> None:
    (found,) = json.loads(succeed("optimize", "--database", "logs", "--json"))
    assert found["database"] == "logs"
    assert found["before"]["data_bytes"] >= found["after"]["data_bytes"] > 0
    assert {each["state"] for each in found["steps"]} <= {"done", "not needed"}


@pytest.mark.only("sqlite")
def test_what_could_not_be_done_is_a_line_and_the_exit_code_is_1(
    secrets: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_SQLITE_BUSY_TIMEOUT", "0.01")
    path = Path(secrets.url("logs").removeprefix("sqlite:///"))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        found = run("optimize", "--database", "logs")
    assert found.exit_code == 1
    assert not found.stderr
    *_, statistics, compaction, log = found.stdout.splitlines()
    assert statistics.startswith(f"logs: statistics failed: {path} is locked by another process")
    assert compaction.startswith("logs: compaction not needed: ")
    assert log.startswith("logs: log failed: others read or wrote all the time")
    assert succeed("optimize", "--database", "logs")
