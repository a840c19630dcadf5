"""Migrations: what they promise, on each engine, within one process."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url
from yoyo import get_backend, read_migrations

from openalgo_store.errors import ConfigurationError, MigrationRefused, Unavailable
from openalgo_store.schema import migrate
from openalgo_store.schema.migrate import pending_migrations, run_migrations, schema_version
from openalgo_store.settings import DATABASES, project_folder
from tests.support.settings import Urls


@pytest.fixture
def folder(engine_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of main's migrations, in a copy that a test may change."""
    copied = tmp_path / "migrations"
    shutil.copytree(project_folder("migrations"), copied)
    monkeypatch.setattr(migrate, "project_folder", lambda name: tmp_path / name)
    return copied / "main" / engine_name


def execute(url: str, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a statement, run beside the library."""
    with closing(migrate.connect(make_url(url), create=True)) as connection:
        cursor = connection.execute(sql)
        return list(cursor.fetchall()) if cursor.description else []


def tables(url: str) -> set[str]:
    return {name for (name,) in execute(url, migrate.TABLES_SQL[make_url(url).get_backend_name()])}


def add(folder: Path, name: str, sql: str, rollback: str = "SELECT 1") -> None:
    (folder / f"{name}.sql").write_text(sql)
    (folder / f"{name}.rollback.sql").write_text(rollback)


def backend_of(url: str) -> Any:
    target = make_url(url)
    target = target.set(drivername=f"openalgo+{target.get_backend_name()}")
    return get_backend(target.render_as_string(hide_password=False))


def test_an_empty_database_is_brought_up_once(fresh_urls: Urls) -> None:
    for name, url in fresh_urls.items():
        pending = pending_migrations(url, name)
        assert pending[0] == f"{name}-0001-initial"
        assert schema_version(url, name) is None
        assert run_migrations(url, name) == pending
        assert run_migrations(url, name) == []
        assert pending_migrations(url, name) == []
        assert schema_version(url, name) == pending[-1]


def test_asking_for_what_is_pending_changes_nothing(engine_name: str, fresh_urls: Urls) -> None:
    for name, url in fresh_urls.items():
        assert pending_migrations(url, name)
        assert engine_name == "postgresql" or not Path(make_url(url).database or "").exists()
    assert engine_name == "sqlite" or tables(fresh_urls["main"]) == set()


def test_the_five_databases_may_share_one(fresh_urls: Urls) -> None:
    url = fresh_urls["main"]
    for name in DATABASES:
        assert run_migrations(url, name)
    for name in DATABASES:
        assert pending_migrations(url, name) == []
        assert str(schema_version(url, name)).startswith(f"{name}-")


def test_nothing_pending_is_one_query(fresh_urls: Urls, monkeypatch: pytest.MonkeyPatch) -> None:
    url = fresh_urls["main"]
    run_migrations(url, "main")
    seen: list[str] = []

    class Recorded(psycopg.Cursor[Any]):
        def execute(self, query: Any, *arguments: Any, **options: Any) -> Any:
            seen.append(query)
            return super().execute(query, *arguments, **options)

    plain = migrate.connect

    def recording(*arguments: Any, **options: Any) -> Any:
        connection = plain(*arguments, **options)
        if isinstance(connection, sqlite3.Connection):
            connection.set_trace_callback(seen.append)
        else:
            connection.cursor_factory = Recorded
        return connection

    monkeypatch.setattr(migrate, "connect", recording)
    assert run_migrations(url, "main") == []
    assert len(seen) == 1, seen


def test_an_edited_migration_is_refused_but_other_line_ends_are_no_edit(
    folder: Path, fresh_urls: Urls
) -> None:
    url = fresh_urls["main"]
    run_migrations(url, "main")
    path = folder / "main-0001-initial.sql"
    text = path.read_text()
    path.write_bytes(text.replace("\n", "\r\n").encode())
    assert run_migrations(url, "main") == []
    path.write_text(text + "-- one more thought\n")
    with pytest.raises(MigrationRefused, match=r"main-0001-initial\.sql was edited"):
        run_migrations(url, "main")
    with backend_of(url) as backend, pytest.raises(MigrationRefused, match="was edited"):
        backend.to_apply(read_migrations(str(folder)))


def test_an_applied_migration_whose_file_is_gone_is_refused(folder: Path, fresh_urls: Urls) -> None:
    url = fresh_urls["main"]
    add(folder, "main-0099-probe", "CREATE TABLE main_probe (id BIGINT)", "DROP TABLE main_probe")
    run_migrations(url, "main")
    for path in folder.glob("main-0099-*"):
        path.unlink()
    with pytest.raises(MigrationRefused, match=r"main-0099-probe is applied, but .* no such file"):
        run_migrations(url, "main")


def remove_rollback(folder: Path) -> None:
    (folder / "main-0001-initial.rollback.sql").unlink()


def empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


MISFITS: list[tuple[str, Callable[[Path], object], str]] = [
    ("missing rollback", remove_rollback, r"has no main-0001-initial\.rollback\.sql beside it"),
    ("package", lambda f: (f / "__init__.py").touch(), r"__init__\.py is no migration of main"),
    ("no number", lambda f: add(f, "main-more", ""), r"main-more\.\S*sql"),
    ("other database", lambda f: add(f, "logs-0002-x", ""), r"logs-0002-x\.\S*sql is no migration"),
    ("hook", lambda f: add(f, "post-apply", ""), r"post-apply\.\S*sql is no migration"),
    ("lone", lambda f: (f / "main-0009-x.rollback.sql").touch(), "has no migration beside it"),
    ("empty folder", empty, "holds no migrations"),
    ("missing folder", shutil.rmtree, "holds no migrations"),
]


@pytest.mark.parametrize(
    ("change", "message"), [row[1:] for row in MISFITS], ids=[row[0] for row in MISFITS]
)
def test_a_folder_that_breaks_the_rules_is_refused_before_anything_runs(
    folder: Path, fresh_urls: Urls, change: Callable[[Path], object], message: str
) -> None:
    change(folder)
    for ask in (pending_migrations, run_migrations):
        with pytest.raises(MigrationRefused, match=message):
            ask(fresh_urls["main"], "main")
    with backend_of(fresh_urls["main"]) as backend, pytest.raises(MigrationRefused):
        backend.to_apply(read_migrations(str(folder)))
    assert tables(fresh_urls["main"]) == set()


def test_only_the_newest_migration_is_rolled_back(folder: Path, fresh_urls: Urls) -> None:
    url = fresh_urls["main"]
    add(folder, "main-0098-first", "CREATE TABLE main_a (id BIGINT)", "DROP TABLE main_a")
    add(folder, "main-0099-second", "CREATE TABLE main_b (id BIGINT)", "DROP TABLE main_b")
    run_migrations(url, "main")
    with backend_of(url) as backend:
        found = {each.id: each for each in read_migrations(str(folder))}
        with pytest.raises(
            MigrationRefused, match=r"^main-0099-second is applied on top of main-0098"
        ):
            backend.rollback_one(found["main-0098-first"])
        assert {"main_a", "main_b"} <= tables(url)
        assert pending_migrations(url, "main") == []
        for name in ("main-0099-second", "main-0098-first"):
            backend.rollback_one(found[name])
    assert not tables(url) & {"main_a", "main_b"}
    assert pending_migrations(url, "main") == ["main-0098-first", "main-0099-second"]


def test_a_failing_migration_leaves_nothing_and_can_be_mended(
    folder: Path, fresh_urls: Urls
) -> None:
    url = fresh_urls["main"]
    broken = "CREATE TABLE main_probe (id BIGINT);\nINSERT INTO main_nowhere VALUES (1)"
    add(folder, "main-0099-probe", broken, "DROP TABLE main_probe")
    with pytest.raises(MigrationRefused, match=r"main-0099-probe\.sql was rolled back: .*nowhere"):
        run_migrations(url, "main")
    assert pending_migrations(url, "main") == ["main-0099-probe"]
    assert "users" in tables(url)
    assert "main_probe" not in tables(url)
    add(folder, "main-0099-probe", broken.split(";")[0], "DROP TABLE main_probe")
    assert run_migrations(url, "main") == ["main-0099-probe"]


def test_a_migration_that_leaves_a_dangling_reference_is_refused(
    folder: Path, fresh_urls: Urls
) -> None:
    add(
        folder,
        "main-0099-probe",
        "CREATE TABLE main_a (id BIGINT PRIMARY KEY);\n"
        "CREATE TABLE main_b (a BIGINT REFERENCES main_a (id));\n"
        "INSERT INTO main_b VALUES (1)",
    )
    with pytest.raises(MigrationRefused, match=r"main-0099-probe\.sql"):
        run_migrations(fresh_urls["main"], "main")
    assert not tables(fresh_urls["main"]) & {"main_a", "main_b"}


def test_a_migration_may_run_outside_a_transaction(
    engine_name: str, folder: Path, fresh_urls: Urls
) -> None:
    how = "CONCURRENTLY " if engine_name == "postgresql" else ""
    add(
        folder,
        "main-0099-probe",
        f"-- transactional: false\nCREATE INDEX {how}IF NOT EXISTS main_probe ON users (id)",
        "-- transactional: false\nDROP INDEX main_probe",
    )
    assert run_migrations(fresh_urls["main"], "main")[-1] == "main-0099-probe"
    assert run_migrations(fresh_urls["main"], "main") == []


def test_tables_that_something_else_made_are_refused(fresh_urls: Urls) -> None:
    url = fresh_urls["main"]
    execute(url, "CREATE TABLE users (id BIGINT)")
    for ask in (pending_migrations, run_migrations):
        with pytest.raises(MigrationRefused, match="DATABASE_URL has the table users but no rec"):
            ask(url, "main")
    assert tables(url) == {"users"}
    assert run_migrations(url, "sandbox"), "the tables of another database are no strangers"


def test_a_lock_is_waited_for_until_the_deadline(fresh_urls: Urls) -> None:
    url = fresh_urls["main"]
    with backend_of(url) as one, backend_of(url) as other:
        with (
            one.lock(),
            pytest.raises(Unavailable, match="another process is migrating") as caught,
            other.lock(timeout=0.1),
        ):
            pass
        with other.lock(timeout=0.1):
            pass
    assert "throwaway" not in str(caught.value)


def test_a_lock_row_of_a_dead_process_does_not_block(folder: Path, fresh_urls: Urls) -> None:
    url = fresh_urls["main"]
    run_migrations(url, "main")
    execute(url, "INSERT INTO yoyo_lock (locked, pid) VALUES (1, 4711)")
    add(folder, "main-0099-probe", "CREATE TABLE main_probe (id BIGINT)")
    assert run_migrations(url, "main") == ["main-0099-probe"]
    assert execute(url, "SELECT * FROM yoyo_lock") == []


def test_a_user_without_a_name_can_migrate(
    fresh_urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 4_000_000_000)
    assert run_migrations(fresh_urls["main"], "main")
    names = "SELECT DISTINCT username FROM _yoyo_log"
    assert execute(fresh_urls["main"], names) == [("4000000000",)]


def test_an_unreachable_database_is_unavailable_without_its_password(engine_name: str) -> None:
    urls = {
        "sqlite": "sqlite:////nowhere/at/all/main.db",
        "postgresql": "postgresql+psycopg://u:top-secret@127.0.0.1:1/none?connect_timeout=5",
    }
    with pytest.raises(Unavailable, match=r"^LOGS_DATABASE_URL \(") as caught:
        run_migrations(urls[engine_name], "logs")
    assert "top-secret" not in str(caught.value)


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    return tmp_path / "some file [1].db"


def test_a_file_that_is_no_sqlite_database_is_a_configuration_error(sqlite_file: Path) -> None:
    sqlite_file.write_text("symbol,token\n" * 1000)
    with pytest.raises(ConfigurationError, match=r"^DATABASE_URL .* is not a database"):
        run_migrations(f"sqlite:///{sqlite_file}", "main")


def test_a_sqlite_file_is_put_into_wal_mode_and_no_adapter_is_left(sqlite_file: Path) -> None:
    before = dict(sqlite3.adapters), dict(sqlite3.converters)
    url = f"sqlite:///{sqlite_file}"
    run_migrations(url, "main")
    assert execute(url, "PRAGMA journal_mode") == [("wal",)]
    assert (dict(sqlite3.adapters), dict(sqlite3.converters)) == before
