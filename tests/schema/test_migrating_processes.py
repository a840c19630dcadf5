"""Migrations across processes: kills, many starting at once, the literal yoyo commands."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy.engine import make_url

from openalgo_store.errors import MigrationRefused
from openalgo_store.schema import migrate
from openalgo_store.schema.migrate import pending_migrations, run_migrations
from openalgo_store.settings import project_folder
from tests.programs import migrations
from tests.support.chance import chance_of
from tests.support.forked import Program
from tests.support.processes import let_go, wait_until_ready
from tests.support.settings import Urls

DEADLINE = 60

SCHEMA_SQL = {
    "sqlite": "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2",
    "postgresql": """
        SELECT attrelid::regclass::text AS name, attname, format_type(atttypid, atttypmod),
               attnotnull::text
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = current_schema()::regnamespace AND attnum > 0
        UNION ALL
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), ''
        FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
        UNION ALL
        SELECT tablename, indexname, indexdef, '' FROM pg_indexes
        WHERE schemaname = current_schema()
        ORDER BY 1, 2, 3
    """,
}


def query(url: str, sql: str) -> list[tuple[Any, ...]]:
    with closing(migrate.connect(make_url(url))) as connection:
        return list(connection.execute(sql).fetchall())


def schema(urls: Urls) -> list[list[tuple[Any, ...]]]:
    """Every column, constraint and index of the databases."""
    return [query(url, SCHEMA_SQL[make_url(url).get_backend_name()]) for url in urls.values()]


def folder_of(name: str, url: str) -> Path:
    return project_folder("migrations") / name / make_url(url).get_backend_name()


def assert_each_recorded_once(urls: Urls) -> None:
    for name, url in urls.items():
        ids = migrate.read_folder(folder_of(name, url), name)
        ours = f"WHERE migration_id LIKE '{name}-%' ORDER BY migration_id"
        for table in ("openalgo_migrations", "_yoyo_migration", "_yoyo_log"):
            assert query(url, f"SELECT migration_id FROM {table} {ours}") == [
                (each,) for each in ids
            ]


def start_migrator(urls: Urls) -> Program:
    """A process that waits for `go`."""
    return Program(migrations.migrate_when_told, json.dumps(urls))


class Ended(NamedTuple):
    """What a command said, and how it ended."""

    returncode: int | None
    stderr: str


def yoyo(command: str, url: str, folder: Path) -> Ended:
    """The literal command of the documentation."""
    target = make_url(url)
    target = target.set(drivername=f"openalgo+{target.get_backend_name()}")
    process = Program(
        migrations.run_yoyo, ".", *command.split(), "--batch", "--no-config-file",
        "--database", target.render_as_string(hide_password=False), str(folder),
    )  # fmt: skip
    _, said = process.communicate(DEADLINE)
    return Ended(process.returncode, said)


@pytest.mark.timeout(600)
def test_a_process_killed_while_migrating_leaves_what_the_next_run_brings_up(
    new_urls: Callable[[], Urls], soak: Callable[[int], int]
) -> None:
    clean = new_urls()
    process = start_migrator(clean)
    wait_until_ready(process)
    let_go(process)
    started = time.monotonic()
    assert process.stdout.readline() == "done\n"
    duration = time.monotonic() - started
    process.communicate(DEADLINE)
    moments = chance_of("kills of a migration")
    for _ in range(soak(40)):
        urls = new_urls()
        process = start_migrator(urls)
        wait_until_ready(process)
        let_go(process)
        time.sleep(moments.uniform(0, duration))
        process.kill()
        process.communicate(DEADLINE)
        for name, url in urls.items():
            run_migrations(url, name)
        assert_each_recorded_once(urls)
        assert schema(urls) == schema(clean)


@pytest.mark.timeout(600)
def test_eight_processes_may_start_at_once_on_empty_databases(
    new_urls: Callable[[], Urls], soak: Callable[[int], int]
) -> None:
    for _ in range(soak(10)):
        urls = new_urls()
        processes = [start_migrator(urls) for _ in range(8)]
        wait_until_ready(*processes)
        let_go(*processes)
        for process in processes:
            process.communicate(DEADLINE)
        assert [process.returncode for process in processes] == [0] * 8
        assert_each_recorded_once(urls)


def test_the_yoyo_command_and_the_library_are_one_path(engine_name: str, fresh_urls: Urls) -> None:
    for name, url in fresh_urls.items():
        assert yoyo("apply", url, folder_of(name, url)).returncode == 0
        assert pending_migrations(url, name) == []
    assert_each_recorded_once(fresh_urls)
    for name, url in fresh_urls.items():
        assert yoyo("rollback --all", url, folder_of(name, url)).returncode == 0
    bookkeeping = {"_yoyo_log", "_yoyo_migration", "_yoyo_version", "yoyo_lock"}
    for url in fresh_urls.values():
        left = {name for (name,) in query(url, migrate.TABLES_SQL[engine_name])}
        assert left - {"sqlite_sequence"} == bookkeeping | {"openalgo_migrations"}
    for name, url in fresh_urls.items():
        assert run_migrations(url, name) == list(migrate.read_folder(folder_of(name, url), name))


def test_yoyo_mark_and_unmark_keep_the_checksums(fresh_urls: Urls) -> None:
    url = fresh_urls["main"]
    folder = folder_of("main", url)
    run_migrations(url, "main")
    assert yoyo("unmark --all", url, folder).returncode == 0
    with pytest.raises(MigrationRefused, match="no record of a migration"):
        pending_migrations(url, "main")
    refused = yoyo("apply", url, folder)
    assert refused.returncode != 0
    assert "no record of a migration" in refused.stderr
    assert yoyo("mark", url, folder).returncode == 0
    assert pending_migrations(url, "main") == []


def test_the_yoyo_command_refuses_a_folder_that_is_missing(
    fresh_urls: Urls, tmp_path: Path
) -> None:
    refused = yoyo("apply", fresh_urls["main"], tmp_path / "nowhere")
    assert refused.returncode != 0
    assert "MigrationRefused: there are no migrations" in refused.stderr


def test_nothing_pending_imports_neither_yoyo_nor_the_orm(fresh_urls: Urls) -> None:
    run_migrations(fresh_urls["main"], "main")
    code = (
        "import sys; from openalgo_store.schema.migrate import run_migrations; "
        "assert run_migrations(sys.argv[1], 'main') == []; "
        "assert not {'yoyo', 'sqlalchemy.orm'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, fresh_urls["main"]], timeout=DEADLINE, check=True)
