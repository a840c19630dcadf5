"""What goes wrong in `copy`, `backup`, `restore` and `check` is one line, and harms nothing."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from sqlalchemy import delete

from openalgo_store import Settings, Store, get_write_session, use_store
from openalgo_store.cli import main
from openalgo_store.engine.queries import Query
from openalgo_store.tables.telemetry import application_logs
from tests.support.command import fail, run, succeed
from tests.support.disks import NoDiskError, filling, small_disk
from tests.support.installation import KEY, PEPPER, fill
from tests.support.rows import MONDAY, new_user
from tests.support.settings import Urls
from tests.support.waiting import DEADLINE

PROGRAM = "from openalgo_store.cli import main; main()"
FINDINGS = 10_000
COLUMNS = ["timestamp", "level", "logger", "message"]
Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def filled(environment: Urls, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The environment names an installation in which every table has rows, and its secrets."""
    monkeypatch.setenv("API_KEY_PEPPER", PEPPER)
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEYS", KEY)
    settings = Settings.from_env(os.environ)
    with Store(settings) as store:
        fill(store)
    use_store(None)
    return settings


@pytest.mark.only("sqlite")
def test_a_list_takes_the_place_of_a_list_and_of_no_other_file(
    filled: Settings, here: Path
) -> None:
    kept = here / "precious.db"
    shutil.copyfile("/bin/sh", kept)
    before = kept.read_bytes()
    for name in ("precious.db", "notes.txt"):
        (here / "notes.txt").write_text("do not lose this\n")
        refused = fail("copy", "--to", "sqlite:///new.db", "--skip-bad", name)
        assert refused == f"error: --skip-bad {name} is another file: name a new one"
    assert kept.read_bytes() == before
    (here / "bad.txt").write_text("orders 7: quantity is less than 1\n")
    succeed("copy", "--to", "sqlite:///new.db", "--skip-bad", "bad.txt")
    assert (here / "bad.txt").read_text() == ""


@pytest.mark.only("sqlite")
def test_a_file_is_not_copied_onto_itself_by_another_name(filled: Settings, here: Path) -> None:
    os.link(filled.url("main").removeprefix("sqlite:///"), here / "linked.db")
    for more in ((), ("--replace",)):
        refused = fail("copy", "--to", "sqlite:///linked.db", *more)
        assert "the source and the target are the same database" in refused


@pytest.mark.only("sqlite")
def test_a_target_of_a_newer_version_is_refused(filled: Settings, here: Path) -> None:
    succeed("copy", "--to", "sqlite:///new.db")
    with closing(sqlite3.connect(here / "new.db")) as newer:
        newer.execute("INSERT INTO openalgo_migrations SELECT 'main-9000-later', 'x', 'x' WHERE 0")
        columns = [each[1] for each in newer.execute("PRAGMA table_info(openalgo_migrations)")]
        values = ", ".join(f"'{each}'" for each in columns)
        newer.execute(f"INSERT INTO openalgo_migrations VALUES ({values})")
        newer.execute(
            "UPDATE openalgo_migrations SET migration_id = 'main-9000-later' "
            "WHERE migration_id = 'migration_id'"
        )
        newer.commit()
    assert "install the version of openalgo-store that brought it" in fail(
        "copy", "--to", "sqlite:///new.db", "--replace"
    )


@pytest.mark.only("sqlite")
def test_an_original_of_an_older_version_is_refused(filled: Settings, here: Path) -> None:
    succeed("copy", "--to", "sqlite:///old.db")
    with closing(sqlite3.connect(here / "old.db")) as older:
        last = "(SELECT max(migration_id) FROM openalgo_migrations)"
        older.execute(f"DELETE FROM openalgo_migrations WHERE migration_id = {last}")
        older.commit()
    refused = fail("copy", "--from", "sqlite:///old.db", "--to", "sqlite:///new.db")
    assert "is not there or not up to date" in refused
    assert not (here / "new.db").exists()


@pytest.mark.only("sqlite")
def test_a_manifest_that_was_tampered_with_is_refused_in_one_line(
    filled: Settings, here: Path
) -> None:
    succeed("backup", "saved", "--database", "logs")
    text = (here / "saved" / "manifest.json").read_text()
    changes: list[tuple[str, Change]] = [
        ("is no backup", lambda m: m.pop("databases")),
        ("is no backup", lambda m: m.update(databases={})),
        ("is no backup", lambda m: m["databases"].update(logs=7)),
        ("is no backup", lambda m: m["databases"]["logs"].update(file=5)),
        ("is no backup", lambda m: m["databases"]["logs"].update(file="../logs.db")),
        ("is no backup", lambda m: m["databases"]["logs"].update(file="logs\0.db")),
        ("is no backup", lambda m: m["databases"]["logs"].update(file="\ud800.db")),
        ("is no backup", lambda m: m["databases"]["logs"].pop("sha256")),
        ("was changed or is damaged", lambda m: m["databases"]["logs"].update(sha256="0" * 64)),
        ("cannot be read", lambda m: m["databases"]["logs"].update(file="gone.db")),
        ("unknown database", lambda m: m["databases"].update(evil=m["databases"]["logs"])),
    ]
    for what, change in changes:
        listed = json.loads(text)
        change(listed)
        (here / "saved" / "manifest.json").write_text(json.dumps(listed))
        assert what in fail("restore", "saved", "--to", "sqlite:///new.db")
        assert not (here / "new.db").exists()
    (here / "saved" / "manifest.json").write_text("[" * 100_000)
    assert "is no backup" in fail("restore", "saved", "--to", "sqlite:///new.db")


@pytest.mark.only("sqlite")
def test_odd_folders_are_refused_before_anything_is_made(filled: Settings, here: Path) -> None:
    assert "has one of ? # % in its path" in fail("backup", "half 50%")
    assert not (here / "half 50%").exists()
    assert "b ü" in succeed("backup", "b ü", "--database", "logs")
    assert succeed("restore", "b ü", "--to", "sqlite:///c ü.db")


def test_what_names_and_rows_hold_cannot_steer_a_terminal(
    filled: Settings, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run("users", "deactivate", "\x1b[2Jeve")
    assert "\x1b" not in result.output
    with Store(filled) as store, use_store(store):
        new_user("\x1b[2Jeve")
    shown = succeed("users", "deactivate", "\x1b[2Jeve")
    assert shown == "?[2Jeve is deactivated\n"
    with Store(filled) as store, use_store(store), get_write_session() as tx:
        no_moment = {"sqlite": "'soon'", "postgresql": "'infinity'"}[store.databases["main"].name]
        for each in (
            "UPDATE positions SET symbol = '\x1b[2J' WHERE id = 1",
            f"UPDATE secret_sentinels SET name = '\x1b[3J' || name, created_at = {no_moment}",
        ):
            tx.driver_connection.execute(each)
    for arguments in (["check"], ["copy", "--to", "sqlite:///new.db"]):
        shown = run(*arguments).output
        assert "secret_sentinels ?[3J" in shown
        assert "\x1b" not in shown


def test_thousands_of_findings_are_told_one_by_one(filled: Settings) -> None:
    with Store(filled) as store, use_store(store), get_write_session("logs") as tx:
        row = (MONDAY, "INFO", "openalgo", "a", {"a": 1})
        tx.run(Query.of(delete(application_logs)))
        tx.copy(application_logs, [*COLUMNS, "extra_data"], [row] * FINDINGS)
        tx.driver_connection.execute("UPDATE application_logs SET extra_data = '7'")
    found = run("check")
    assert found.exit_code == 1
    *lines, count, mend = found.stdout.splitlines()
    assert len(lines) == FINDINGS
    assert count == f"{FINDINGS:,} findings"
    assert mend.startswith("  mend: ")
    assert len(json.loads(run("check", "--json").stdout)) == FINDINGS


def commands_with_json(command: click.Command, name: str = "") -> list[str]:
    if isinstance(command, click.Group):
        parts = ((f"{name} {word}".strip(), each) for word, each in command.commands.items())
        return [found for word, each in parts for found in commands_with_json(each, word)]
    return [name] if any(each.name == "as_it_is" for each in command.params) else []


def test_every_json_can_be_read_by_programs(filled: Settings) -> None:
    needed = {
        "positions": ["asha"], "pnl": ["asha", "--from", "2026-01-01"], "logs": [],
        "search": ["share", "--broker", "zerodha"],
        "purge": ["--older-than", "1d"], "backup": ["saved"], "api-keys create": ["asha"],
        "users add": ["ravi", "ravi@example.org"], "users password": ["ravi"],
        "users deactivate": ["ravi"], "users reactivate": ["ravi"],
        "api-keys revoke": ["1"], "tokens revoke": ["asha", "zerodha"],
        "chain": ["NIFTY", "NFO", "2026-09-01", "--broker", "zerodha"],
    }  # fmt: skip
    names = commands_with_json(main)
    assert {"check", "optimize", "status", "users list", "latency", "logs"} <= {*names}
    for name in names:
        given = [*name.split(), *needed.get(name, []), "--json"]
        found = CliRunner().invoke(main, given, input="a long password\n")
        assert found.exit_code in (0, 1), f"{name}: {found.output}"
        assert json.loads(found.stdout) is not None, name


@pytest.mark.only("sqlite")
def test_a_database_that_cannot_be_read_is_told_and_the_others_are_checked(
    filled: Settings,
) -> None:
    with Store(filled) as store, use_store(store), get_write_session("logs") as tx:
        tx.driver_connection.execute("UPDATE application_logs SET extra_data = '7'")
    path = Path(filled.url("latency").removeprefix("sqlite:///"))
    with closing(sqlite3.connect(path)) as driver:
        query = "SELECT rootpage FROM sqlite_schema WHERE name = 'latency_metrics'"
        (page,) = driver.execute(query).fetchone()
    with path.open("r+b") as file:
        file.seek(4096 * (page - 1))
        file.write(b"\x07" * 4096)
    found = run("check")
    assert found.exit_code == 1
    assert f"latency: it cannot be read: {path} is damaged: restore it" in found.stdout
    assert "is damaged" in fail("copy", "--to", "sqlite:///new.db", "--database", "latency")
    assert "damaged" in fail("backup", "saved", "--database", "latency")
    assert "application_logs 7: extra_data is not JSON" in found.stdout


@pytest.mark.only("sqlite")
def test_a_reader_that_goes_away_is_no_error(filled: Settings) -> None:
    with Store(filled) as store, use_store(store), get_write_session("logs") as tx:
        tx.copy(application_logs, COLUMNS, [(MONDAY, "INFO", "openalgo", "a" * 100)] * 1_000)
    command = [sys.executable, "-c", PROGRAM, "logs", "--limit", "900", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as logs:
        assert logs.stdout is not None
        assert logs.stderr is not None
        logs.stdout.read(10)
        logs.stdout.close()
        assert logs.stderr.read() == b""
        logs.wait(3 * DEADLINE)


@pytest.mark.only("sqlite")
def test_a_full_disk_beneath_the_output_is_one_line(filled: Settings) -> None:
    command = [sys.executable, "-c", PROGRAM, "users", "list", "--json"]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=3 * DEADLINE,
            check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "error: reading or writing failed: No space left on device\n"


def test_what_the_terminal_cannot_show_is_no_failure(filled: Settings) -> None:
    command = [sys.executable, "-c", PROGRAM, "api-keys", "list"]
    environment = os.environ | {"PYTHONIOENCODING": "latin-1"}
    shown = subprocess.run(command, env=environment, capture_output=True, check=True).stdout
    assert "\\u092c" in shown.decode("latin-1")


def test_an_interrupted_copy_says_so_and_leaves_nothing(filled: Settings, here: Path) -> None:
    stopped = """
import os, signal
from openalgo_store.operations import copying
signal.signal(signal.SIGINT, signal.default_int_handler)  # which background jobs ignore
told = copying._copy
def copy(read, write, table, sound, watch):
    if table.name == "trades":
        os.kill(os.getpid(), signal.SIGINT)
    return told(read, write, table, sound, watch)
copying._copy = copy
"""
    command = [sys.executable, "-c", stopped + PROGRAM, "copy", "--to", "sqlite:///new.db"]
    done = subprocess.run(
        command, env=os.environ | {"DB_SLOW_STATEMENT": "0"}, capture_output=True, text=True,
        timeout=3 * DEADLINE, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "\nAborted!\n"
    assert done.stdout == ""
    with closing(sqlite3.connect(here / "new.db")) as left:
        assert left.execute("SELECT count(*) FROM users").fetchone() == (0,)
    succeed("copy", "--to", "sqlite:///new.db")


@pytest.mark.only("sqlite")
def test_a_full_disk_is_one_line_and_leaves_nothing(filled: Settings) -> None:
    try:
        with small_disk(8) as disk:
            (disk / "new.db").touch()
            succeed("copy", "--to", f"sqlite:///{disk / 'new.db'}", "--database", "sandbox")
            with filling(disk) as fill_up:
                fill_up(16_384)
                assert "disk" in fail("copy", "--to", f"sqlite:///{disk / 'other.db'}")
                assert "disk" in fail("backup", str(disk / "saved"), "--database", "main")
            assert "is no backup" in fail("restore", str(disk / "saved"))
            succeed("backup", str(disk / "again"), "--database", "main")
    except NoDiskError as error:
        pytest.skip(str(error))
