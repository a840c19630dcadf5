"""Databases that the stock yoyo command made are taken over, once they are known to be equal."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url
from yoyo import get_backend, read_migrations

from openalgo_store import MigrationRefused, close_databases, count_symbols, init_databases
from openalgo_store.schema import migrate
from openalgo_store.schema.migrate import pending_migrations, run_migrations, schema_version
from openalgo_store.settings import DATABASES
from tests.programs.migrations import run_yoyo
from tests.schema.test_migrating_processes import (
    DEADLINE,
    assert_each_recorded_once,
    folder_of,
    query,
    schema,
    yoyo,
)
from tests.schema.test_migrations import execute
from tests.support.forked import Program
from tests.support.postgres_server import PostgresServer
from tests.support.settings import Urls, settings_of


def stock_command(url: str, folder: Path) -> None:
    """The literal command with the backends that yoyo brings."""
    process = Program(
        run_yoyo, ".", "apply", "--batch", "--no-config-file", "--database", url, str(folder)
    )
    _, said = process.communicate(DEADLINE)
    assert process.returncode == 0, said


def stock_apply(url: str, folder: Path) -> None:
    """The same in this process."""
    with get_backend(url) as backend, backend.lock():
        backend.apply_migrations(backend.to_apply(read_migrations(str(folder))))


@pytest.fixture
def direct(engine_name: str, request: pytest.FixtureRequest) -> Callable[[str], str]:
    """The URL past a pooler: the stock command needs a session from its first to its last step."""
    if engine_name == "sqlite":
        return str
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.direct


@pytest.fixture(scope="module")
def stock_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A main database that yoyo's own backend made, closed."""
    file = tmp_path_factory.mktemp("stock") / "main.db"
    url = f"sqlite:///{file}"
    stock_apply(url, folder_of("main", url))
    return file


@pytest.fixture(scope="module")
def stock_url(postgres: PostgresServer) -> Iterator[str]:
    """The same on PostgreSQL; nobody is connected to it."""
    url = postgres.create_database()
    stock_apply(postgres.direct(url), folder_of("main", url))
    yield url
    postgres.drop_database(url)


@pytest.fixture
def main_url(
    engine_name: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    new_postgres_database: Callable[[str | None], str],
) -> str:
    """A copy of it."""
    if engine_name == "sqlite":
        return f"sqlite:///{shutil.copy(request.getfixturevalue('stock_file'), tmp_path)}"
    return new_postgres_database(request.getfixturevalue("stock_url"))


def parts(urls: Urls) -> list[set[tuple[object, ...]]]:
    """What there is but for the tables of yoyo itself, which its backends make a little apart."""
    return [
        {row for row in rows if not any("yoyo" in str(each) for each in row)}
        for rows in schema(urls)
    ]


def test_all_five_are_taken_over_as_they_are(
    fresh_urls: Urls, new_urls: Callable[[], Urls], direct: Callable[[str], str]
) -> None:
    for name, url in fresh_urls.items():
        stock_command(direct(url), folder_of(name, url))
    before = [query(url, "SELECT * FROM _yoyo_migration ORDER BY 2") for url in fresh_urls.values()]
    init_databases(settings_of(fresh_urls))
    assert count_symbols() == 0
    close_databases()
    after = [query(url, "SELECT * FROM _yoyo_migration ORDER BY 2") for url in fresh_urls.values()]
    assert after == before
    assert_each_recorded_once(fresh_urls)
    clean = new_urls()
    for name, url in clean.items():
        run_migrations(url, name)
        assert schema_version(url, name) == schema_version(fresh_urls[name], name)
    assert parts(fresh_urls) == parts(clean)


def test_looking_takes_nothing_over(main_url: str) -> None:
    ids = list(migrate.read_folder(folder_of("main", main_url), "main"))
    for _ in range(2):
        assert pending_migrations(main_url, "main") == ids
        assert schema_version(main_url, "main") is None
    assert run_migrations(main_url, "main") == []
    assert pending_migrations(main_url, "main") == []


def test_our_own_command_takes_over_too(main_url: str) -> None:
    assert yoyo("apply", main_url, folder_of("main", main_url)).returncode == 0
    assert pending_migrations(main_url, "main") == []
    assert_each_recorded_once({"main": main_url})


@pytest.fixture
def first_two(fresh_urls: Urls, tmp_path: Path) -> Path:
    """A folder with the first two migrations of main."""
    folder = folder_of("main", fresh_urls["main"])
    copied = tmp_path / "first"
    copied.mkdir()
    for name in list(migrate.read_folder(folder, "main"))[:2]:
        for path in folder.glob(f"{name}.*sql"):
            shutil.copy(path, copied)
    return copied


def test_what_the_stock_command_had_not_applied_yet_is_applied(
    fresh_urls: Urls, first_two: Path, direct: Callable[[str], str]
) -> None:
    url = fresh_urls["main"]
    stock_apply(direct(url), first_two)
    ids = list(migrate.read_folder(folder_of("main", url), "main"))
    assert run_migrations(url, "main") == ids[2:]
    assert_each_recorded_once({"main": url})


def test_what_the_stock_command_applied_later_is_taken_over(
    fresh_urls: Urls, first_two: Path, direct: Callable[[str], str]
) -> None:
    url = fresh_urls["main"]
    folder = folder_of("main", url)
    assert yoyo("apply", url, first_two).returncode == 0
    stock_apply(direct(url), folder)
    assert pending_migrations(url, "main") == list(migrate.read_folder(folder, "main"))[2:]
    assert run_migrations(url, "main") == []
    assert_each_recorded_once({"main": url})


CHANGES = [
    ("ALTER TABLE strategies ADD COLUMN colour TEXT", "of strategies"),
    ("DROP INDEX ix_orders_user_status", "of orders"),
    ("CREATE INDEX ix_mine ON orders (quantity)", "index ix_mine of orders"),
    ("ALTER TABLE orders RENAME COLUMN quantity TO size", "of orders"),
    ("DROP TABLE secret_sentinels", "of secret_sentinels"),
]


@pytest.mark.parametrize(("change", "named"), CHANGES)
def test_tables_that_are_not_equal_are_refused_and_left_alone(
    main_url: str, change: str, named: str
) -> None:
    execute(main_url, change)
    before = schema({"main": main_url})
    with pytest.raises(MigrationRefused, match=f"yoyo recorded .*{named} is not what these"):
        run_migrations(main_url, "main")
    assert schema({"main": main_url}) == before


@pytest.mark.only("postgresql")
@pytest.mark.parametrize(
    "change", ["SET DEFAULT 7", "DROP NOT NULL", "TYPE INT", "ADD GENERATED ALWAYS AS IDENTITY"]
)
def test_a_column_that_is_not_equal_is_refused(main_url: str, change: str) -> None:
    if "IDENTITY" in change:
        execute(main_url, "ALTER TABLE orders ALTER COLUMN fill_value DROP DEFAULT")
    execute(main_url, f"ALTER TABLE orders ALTER COLUMN fill_value {change}")
    with pytest.raises(MigrationRefused, match="column fill_value of orders"):
        run_migrations(main_url, "main")


def test_records_with_a_gap_or_with_a_stranger_are_refused(main_url: str) -> None:
    for sql, odd in [
        ("DELETE FROM _yoyo_migration WHERE migration_id = 'main-0001-initial'", "main-0001-initi"),
        ("UPDATE _yoyo_migration SET migration_id = 'main-0009-x' WHERE migration_id "
         "= 'main-0002-secrets'", "main-0001-initial"),
    ]:  # fmt: skip
        execute(main_url, sql)
        for ask in (pending_migrations, run_migrations):
            with pytest.raises(MigrationRefused, match=f"yoyo's own records of DATABASE_.*{odd}"):
                ask(main_url, "main")


def test_one_database_of_several_in_one_is_taken_over_beside_ours(
    fresh_urls: Urls, engine_name: str, direct: Callable[[str], str]
) -> None:
    url = fresh_urls["main"]
    stock_apply(direct(url), folder_of("main", url))
    assert run_migrations(url, "logs")
    assert run_migrations(url, "main") == []
    for name in DATABASES:
        run_migrations(url, name)
        assert pending_migrations(url, name) == []
    assert make_url(url).get_backend_name() == engine_name
