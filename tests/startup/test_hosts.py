"""Sockets and several hosts: the store, its migrations, yoyo and the commands reach them alike."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from openalgo_store import (
    SessionMisuse,
    Settings,
    Store,
    Unavailable,
    close_databases,
    create_user,
    get_write_session,
    hash_password,
    init_databases,
    use_store,
)
from openalgo_store.schema.migrate import pending_migrations, run_migrations
from openalgo_store.settings import DATABASES, variable_of
from openalgo_store.settings.urls import normalise_url
from tests.schema.test_migrating_processes import assert_each_recorded_once, folder_of, yoyo
from tests.schema.test_migrations import execute
from tests.support.command import run, status, succeed
from tests.support.postgres_server import PostgresServer, start_postgres
from tests.support.rows import ALL_NAMES, names
from tests.support.settings import settings_of

pytestmark = pytest.mark.only("postgresql")

CLOSED = "127.0.0.1:1"
"""A host on which nobody listens."""


@pytest.fixture
def form(settings: Settings, engine_name: str, postgres: PostgresServer) -> Callable[[str], str]:
    """A function that writes the URL of an empty database in another form."""
    url = make_url(settings.database_url)
    if postgres.sockets is None:
        pytest.skip("a server in a container has no socket here")
    folder = str(postgres.sockets)
    values = {
        "closed": CLOSED,
        "host": f"{url.host}:{url.port}",
        "port": url.port,
        "folder": folder,
        "encoded": folder.replace("/", "%2F"),
        "database": url.database,
    }
    return lambda text: text.format(**values)


SOCKET = "postgresql://postgres:throwaway@/{database}?host={folder}&port={port}"
ENCODED = "postgresql://postgres:throwaway@{encoded}:{port}/{database}"
HOSTS = "postgresql://postgres:throwaway@{closed},{host}/{database}?target_session_attrs=read-write"
MIXED = "postgresql://postgres:throwaway@/{database}?host={closed}&host={folder}:{port}"


@pytest.mark.parametrize("text", [SOCKET, HOSTS, MIXED])
def test_the_store_and_the_commands_work_however_the_server_is_named(
    form: Callable[[str], str], text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in DATABASES:
        monkeypatch.setenv(variable_of(name), form(text))
    monkeypatch.setenv("DB_POOL_SIZE", "5")
    monkeypatch.setenv("DB_MAX_OVERFLOW", "0")
    output = succeed("init")
    assert output.count("throwaway") == 0
    code, found = status()
    assert (code, found["problems"], found["warnings"]) == (0, [], [])
    assert "throwaway" not in str(found)
    with init_databases(Settings.from_env(os.environ)) as store:
        create_user("asha", "asha@example.org", hash_password("a long password"))
        assert names() == ["asha"]
        assert len(store.dialects) == 1
    close_databases()


@pytest.mark.parametrize("text", [ENCODED, HOSTS])
def test_the_yoyo_command_takes_them_too(form: Callable[[str], str], text: str) -> None:
    """Of several hosts the one form: yoyo itself refuses the other."""
    url = normalise_url(form(text), "DATABASE_URL")
    written = form(text) if text == ENCODED else url
    assert yoyo("apply", written, folder_of("logs", url)).returncode == 0
    assert pending_migrations(url, "logs") == []
    assert_each_recorded_once({"logs": url})


def test_pools_that_could_exceed_a_server_are_counted_by_its_name(
    form: Callable[[str], str], settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in DATABASES:
        monkeypatch.setenv(variable_of(name), form(ENCODED))
    monkeypatch.setenv("DB_POOL_SIZE", "100000")
    place = form("{folder}:{port}")
    assert f"warning: the pools may ask {place} for 100" in run("init").stderr


def test_what_is_surely_one_database_has_one_engine(
    form: Callable[[str], str], settings: Settings
) -> None:
    """That a socket and a port lead to one server nobody can know."""
    chosen = replace(settings, database_url=form(SOCKET), logs_database_url=form(ENCODED))
    run_migrations(settings.database_url, "main")
    with Store(chosen) as store, use_store(store):
        assert store.databases["main"] is store.databases["logs"]
        assert store.databases["main"] is not store.databases["latency"]
        with get_write_session() as tx:
            assert tx.all(ALL_NAMES) == []
            with pytest.raises(SessionMisuse, match="main and logs are one database"):
                with get_write_session("logs"):
                    pass


def test_a_server_that_is_away_is_named_by_all_its_hosts_and_without_the_password(
    settings: Settings, engine_name: str
) -> None:
    url = f"postgresql://u:top-secret@{CLOSED},127.0.0.1:2/db"
    away = replace(settings, database_url=url)
    with pytest.raises(
        Unavailable, match=r"^DATABASE_URL \(.*127.0.0.1.*Connection refused"
    ) as at_start:
        init_databases(away)
    told = r"^PostgreSQL 127.0.0.1:1,127.0.0.1:2/db cannot be reached \(Connection refused\)$"
    with Store(away) as store, use_store(store), pytest.raises(Unavailable, match=told) as later:
        names()
    assert "top-secret" not in f"{at_start.value} {later.value}"


@pytest.fixture
def read_only_server(settings: Settings, engine_name: str) -> Iterator[PostgresServer]:
    """Another server with a database of the same name that takes no writes, as a standby does."""
    server = start_postgres()
    admin = server.admin.render_as_string(hide_password=False)
    execute(admin, f'CREATE DATABASE "{make_url(settings.database_url).database}"')
    execute(admin, "ALTER SYSTEM SET default_transaction_read_only TO on")
    execute(admin, "SELECT pg_reload_conf()")
    yield server
    server.stop()


def test_of_several_hosts_the_one_that_takes_writes_is_found(
    settings: Settings, read_only_server: PostgresServer
) -> None:
    url = make_url(settings.database_url)
    hosts = f"127.0.0.1:{read_only_server.admin.port},127.0.0.1:{url.port}"
    several = f"postgresql://postgres:throwaway@{hosts}/{url.database}"
    with pytest.raises(Unavailable, match=r"read-only .*target_session_attrs=read-write"):
        run_migrations(normalise_url(several, "DATABASE_URL"), "main")
    found = f"{several}?target_session_attrs=read-write"
    with init_databases(settings_of(dict.fromkeys(DATABASES, found))):
        create_user("asha", "asha@example.org", hash_password("a long password"))
    close_databases()
    assert execute(settings.database_url, "SELECT username FROM users") == [("asha",)]
