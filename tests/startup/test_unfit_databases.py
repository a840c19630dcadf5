"""A database in which the store cannot work is refused at the start, before anything is made."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import delete
from sqlalchemy.engine import make_url

from openalgo_store import (
    ConfigurationError,
    MigrationRefused,
    Settings,
    Store,
    Unavailable,
    check_health,
    close_databases,
    create_user,
    get_user,
    get_write_session,
    hash_password,
    init_databases,
    use_store,
)
from openalgo_store.engine.queries import Query
from openalgo_store.schema import migrate
from openalgo_store.schema.migrate import pending_migrations, run_migrations
from openalgo_store.settings import DATABASES
from openalgo_store.tables.telemetry import application_logs
from tests.rules.test_docs import ROOT, blocks
from tests.schema.test_migrations import execute, tables
from tests.support.postgres_server import PostgresServer
from tests.support.settings import Urls, settings_of
from tests.support.waiting import DEADLINE

Make = Callable[[str], str]


@pytest.fixture
def encoded(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Make]:
    """A function that makes a database in another encoding and gives its URL."""
    made: list[str] = []
    server: PostgresServer | None = None
    if engine_name == "postgresql":
        server = request.getfixturevalue("postgres")

    def make(encoding: str) -> str:
        name = f"t_{uuid4().hex}"
        if server is None:
            with closing(sqlite3.connect(tmp_path / f"{name}.db")) as connection:
                connection.execute(f"PRAGMA encoding = '{encoding}'")
                connection.execute("CREATE TABLE somebody_elses (id INTEGER)")
            return f"sqlite:///{tmp_path / name}.db"
        execute(
            server.admin.render_as_string(hide_password=False),
            f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'",
        )
        made.append(server.url(name))
        return made[-1]

    yield make
    for url in made:
        assert server is not None
        server.drop_database(url)


def tables_of(url: str) -> set[str]:
    """The tables of a database that the store refuses."""
    target = make_url(url)
    if target.get_backend_name() == "sqlite":
        connection: Any = sqlite3.connect(str(target.database))
    else:
        plain = target.set(drivername="postgresql").render_as_string(hide_password=False)
        connection = psycopg.connect(plain, client_encoding="utf8")
    with closing(connection):
        rows = connection.execute(migrate.TABLES_SQL[target.get_backend_name()])
        return {name for (name,) in rows}


ENCODINGS = {"sqlite": ["UTF-16le", "UTF-16be"], "postgresql": ["SQL_ASCII", "LATIN1"]}


def test_another_encoding_is_refused_before_anything_is_made(
    settings: Settings, encoded: Make, engine_name: str
) -> None:
    mend = "a new file"
    if engine_name == "postgresql":
        mend = "CREATE DATABASE .* ENCODING 'UTF8' TEMPLATE template0"
    for encoding in ENCODINGS[engine_name]:
        url = encoded(encoding)
        before = tables_of(url)
        told = f"DATABASE_URL: the database .* is encoded in {encoding}, .*: make another .{mend}"
        for ask in (pending_migrations, run_migrations):
            with pytest.raises(ConfigurationError, match=told):
                ask(url, "main")
        with pytest.raises(ConfigurationError, match=told):
            init_databases(replace(settings, telegram_database_url=url))
        with Store(replace(settings, telegram_database_url=url)) as store, use_store(store):
            telegram = check_health(DEADLINE).databases[-1]
        assert telegram.state == "refused"
        assert f"is encoded in {encoding}" in str(telegram.problem)
        assert tables_of(url) == before
        main = settings.url("main")
        assert engine_name == "sqlite" or tables(main) == set()
        assert engine_name == "postgresql" or not Path(make_url(main).database or "").exists()


@pytest.mark.only("postgresql")
def test_the_statement_that_the_refusal_shows_makes_a_database_that_serves(
    encoded: Make, engine_name: str, postgres: PostgresServer, settings: Settings
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        run_migrations(encoded("LATIN1"), "main")
    statement = str(refused.value).partition("(")[2].partition(")")[0]
    name = f"t_{uuid4().hex}"
    execute(postgres.url("postgres"), statement.replace(" name ", f" {name} "))
    try:
        run_migrations(postgres.url(name), "main")
        assert pending_migrations(postgres.url(name), "main") == []
    finally:
        postgres.drop_database(postgres.url(name))


@pytest.mark.only("postgresql")
@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_an_encoding_of_the_environment_changes_no_migration(
    settings: Settings, engine_name: str, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", encoding)
    init_databases(settings)
    user = create_user("चंदू", "c@example.org", hash_password("a long password"))
    close_databases()
    init_databases(settings)
    assert get_user(user.id) == user
    close_databases()


MIGRATIONS = ROOT / "docs" / "migrations.md"
GRANT = "GRANT USAGE, CREATE ON SCHEMA public TO"


@pytest.fixture
def nobody(settings: Settings, engine_name: str) -> Iterator[Settings]:
    """The settings of a role without a right to create tables, as any new one is since 15."""
    name = f'"R {uuid4().hex}"'
    url = settings.database_url
    execute(url, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    execute(url, f"CREATE ROLE {name} LOGIN")
    role = make_url(url).set(username=name.strip('"')).render_as_string(hide_password=False)
    yield settings_of(dict.fromkeys(DATABASES, role))
    close_databases()
    execute(url, f"DROP OWNED BY {name}")
    execute(url, f"DROP ROLE {name}")


@pytest.mark.only("postgresql")
@pytest.mark.parametrize("may_look", [True, False], ids=["may look into it", "may not even look"])
def test_a_user_who_may_create_no_table_is_told_what_to_grant(
    settings: Settings, nobody: Settings, may_look: bool
) -> None:
    owner = settings.database_url
    if not may_look:
        execute(owner, "REVOKE ALL ON SCHEMA public FROM PUBLIC")
    with pytest.raises(
        MigrationRefused, match="GRANT USAGE, CREATE ON SCHEMA public TO"
    ) as refused:
        init_databases(nobody)
    assert tables(owner) == set()
    execute(owner, "GRANT" + str(refused.value).rpartition("GRANT")[2])
    init_databases(nobody)


@pytest.mark.only("postgresql")
def test_a_user_who_does_not_own_the_tables_is_told_to_be_their_owner_or_to_be_granted(
    settings: Settings, nobody: Settings
) -> None:
    run_migrations(settings.database_url, "main")
    with pytest.raises(MigrationRefused, match=r"permission denied for table .*: GRANT this user"):
        init_databases(nobody)


@pytest.mark.only("postgresql")
def test_the_rights_that_the_docs_name_are_enough_for_a_program(
    settings: Settings, nobody: Settings
) -> None:
    """Also for a table that a later migration makes."""
    owner = settings.database_url
    role = f'"{make_url(nobody.database_url).username}"'
    granted = blocks(MIGRATIONS, "sql")[1].replace("trader", role).split(";\n")
    run_migrations(owner, "main")
    for statement in filter(None, granted):
        execute(owner, statement)
    for name in DATABASES[1:]:
        run_migrations(owner, name)
    init_databases(nobody)
    user = create_user("asha", "asha@example.org", hash_password("a long password"))
    with get_write_session("logs") as tx:
        tx.run(Query.of(delete(application_logs)))
    assert get_user(user.id) == user


@pytest.mark.only("postgresql")
def test_a_read_only_server_that_lacks_a_migration_is_unavailable(
    fresh_urls: Urls, engine_name: str
) -> None:
    url = f"{fresh_urls['main']}?options=-c%20default_transaction_read_only%3Don"
    with pytest.raises(Unavailable, match="read-only transaction: migrate its primary"):
        run_migrations(url, "main")
