"""A backup holds what was committed before it began, and either engine is restored from it."""

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from openalgo_store import CopyRefused, InvalidInput, Settings, Store, use_store
from openalgo_store.operations.backup import back_up, restore
from openalgo_store.operations.checking import check_databases
from openalgo_store.operations.copying import DatabaseCopy
from openalgo_store.operations.row_rules import RowFault
from openalgo_store.settings import DATABASES, project_folder
from tests.programs.copying import trading_writer
from tests.support.faulty_rows import plant_faults
from tests.support.installation import fill, rows_of, with_secrets
from tests.support.pairs import PAIRS
from tests.support.processes import let_go
from tests.support.rows import new_user
from tests.support.settings import settings_of, urls_of
from tests.support.waiting import DEADLINE

WRITERS = 4


def refuse(fault: RowFault) -> None:
    raise AssertionError(fault)


def restored(folder: Path, goal: Settings, **options: bool) -> list[DatabaseCopy]:
    return list(restore(folder, goal, None, tell=refuse, watch=lambda *given: given[2], **options))


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_what_was_saved_is_restored_on_either_engine(
    installations: tuple[Store, Store], tmp_path: Path
) -> None:
    origin, goal = installations
    fill(origin)
    saved = back_up(origin, tmp_path / "backup", DATABASES, refuse)
    assert list(saved) == list(DATABASES)
    for name, each in saved.items():
        rows = {table: len(found) for table, found in rows_of(origin, name).items()}
        assert {table: each.rows[table] for table in rows} == rows
    before = {path.name: path.read_bytes() for path in (tmp_path / "backup").iterdir()}
    goal.close()
    assert [each.database for each in restored(tmp_path / "backup", goal.settings)] == [*DATABASES]
    with Store(goal.settings) as again:
        for name in DATABASES:
            assert rows_of(again, name) == rows_of(origin, name)
    after = {path.name: path.read_bytes() for path in (tmp_path / "backup").iterdir()}
    assert after == before


def test_a_backup_beside_writers_holds_what_was_committed_and_adds_up(
    filled: Store, new_urls: Callable[[], dict[str, str]], tmp_path: Path
) -> None:
    writers = [trading_writer(urls_of(filled.settings), number) for number in range(WRITERS)]
    committed = [writer.stdout.readline().strip() for _ in range(3) for writer in writers]
    back_up(filled, tmp_path / "backup", ["main"], refuse)
    let_go(*writers)
    for writer in writers:
        _, errors = writer.communicate(DEADLINE)
        assert not errors
    goal = with_secrets(settings_of(new_urls()))
    restored(tmp_path / "backup", goal)
    with Store(goal) as store:
        orders = {row[1] for row in rows_of(store, "main")["orders"]}
        assert set(committed) <= orders
        with use_store(store):
            assert list(check_databases(["main"])) == []


def test_a_folder_that_is_not_empty_and_one_without_a_list_are_refused(
    filled: Store, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    back_up(filled, folder, ["logs"], refuse)
    with pytest.raises(InvalidInput, match="backup is not empty: name a new folder"):
        back_up(filled, folder, ["logs"], refuse)
    with pytest.raises(InvalidInput, match="holds no main database, but logs"):
        list(restore(folder, filled.settings, ["main"], tell=refuse, watch=lambda *x: x[2]))
    (folder / "manifest.json").unlink()
    with pytest.raises(InvalidInput, match="is no backup, or one that was not finished"):
        restored(folder, filled.settings)


def test_a_damaged_file_is_refused_before_anything_is_restored(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openalgo_store.operations.backup._AT_ONCE", 4_096)  # many for each file
    folder = tmp_path / "backup"
    back_up(filled, folder, DATABASES, refuse)
    damaged = (
        folder / json.loads((folder / "manifest.json").read_text())["databases"]["logs"]["file"]
    )
    damaged.write_bytes(damaged.read_bytes()[:-1])
    before = rows_of(filled, "main")
    with pytest.raises(CopyRefused, match=r"logs\.db was changed or is damaged"):
        restored(folder, filled.settings, replace=True)
    assert rows_of(filled, "main") == before


NEWEST = "logs-0003-ids"


def forget_newest(driver: Any) -> None:
    """Take its record away."""
    for records in ("openalgo_migrations", "_yoyo_migration"):
        driver.execute(f"DELETE FROM {records} WHERE migration_id = '{NEWEST}'")
    driver.commit()


@pytest.mark.only("sqlite")
def test_an_older_database_is_saved_as_it_is_and_restored_into_todays(
    filled: Store, tmp_path: Path
) -> None:
    before = rows_of(filled, "logs")
    rollback = project_folder("migrations") / "logs" / "sqlite" / f"{NEWEST}.rollback.sql"
    with closing(sqlite3.connect(filled.databases["logs"].identity)) as older:
        older.executescript(rollback.read_text())
        forget_newest(older)
    saved = back_up(filled, tmp_path / "backup", ["logs"], refuse)["logs"]
    assert saved.schema < NEWEST
    assert saved.rows == {table: len(rows) for table, rows in before.items()}
    file = tmp_path / "backup" / saved.file
    goal = settings_of({"logs": f"sqlite:///{tmp_path / 'new.db'}"})
    (done,) = restored(tmp_path / "backup", goal)
    with Store(goal) as store:
        assert rows_of(store, "logs") == before
    assert not done.was_equal
    assert hashlib.sha256(file.read_bytes()).hexdigest() == saved.sha256


@pytest.mark.only("postgresql")
def test_an_older_database_of_a_server_is_left_to_the_tools_of_that(
    filled: Store, tmp_path: Path
) -> None:
    with filled.databases["logs"].engine.connect() as connection:
        forget_newest(connection.connection.driver_connection)
    with pytest.raises(CopyRefused, match="logs is of an older version: save it with the tools"):
        back_up(filled, tmp_path / "backup", ["logs"], refuse)


@pytest.mark.only("sqlite")
def test_a_file_with_a_damaged_index_makes_no_backup(filled: Store, tmp_path: Path) -> None:
    with closing(sqlite3.connect(filled.databases["main"].identity)) as driver:
        driver.execute("PRAGMA writable_schema = ON")
        driver.execute(
            "UPDATE sqlite_schema SET sql = 'CREATE INDEX ix_symbols_token ON symbols (symbol)' "
            "WHERE name = 'ix_symbols_token'"
        )
        driver.commit()
    with Store(filled.settings) as store:
        with pytest.raises(CopyRefused, match=r"main: what was saved is damaged.*ix_symbols_token"):
            back_up(store, tmp_path / "backup", ["main"], refuse)
    with pytest.raises(InvalidInput, match="is no backup, or one that was not finished"):
        restored(tmp_path / "backup", filled.settings)


def test_rows_of_its_own_are_replaced_only_if_that_is_said(filled: Store, tmp_path: Path) -> None:
    back_up(filled, tmp_path / "backup", ["main"], refuse)
    before = rows_of(filled, "main")
    assert [each.was_equal for each in restored(tmp_path / "backup", filled.settings)] == [True]
    with use_store(filled):
        new_user("ravi")
    with pytest.raises(CopyRefused, match="the target has rows of its own"):
        restored(tmp_path / "backup", filled.settings)
    restored(tmp_path / "backup", filled.settings, replace=True)
    assert rows_of(filled, "main") == before


@pytest.mark.only("postgresql")
def test_rows_that_no_file_would_take_are_told_and_the_others_saved(
    filled: Store, tmp_path: Path
) -> None:
    planted = plant_faults(filled)
    told: list[RowFault] = []
    saved = back_up(filled, tmp_path / "backup", ["main"], told.append)
    assert set(planted) <= set(told)
    bad = {(each.table, each.row_id) for each in told}
    assert saved["main"].rows["orders"] == 8 - len([1 for table, _ in bad if table == "orders"])
