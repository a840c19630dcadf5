"""A server in trouble is Unavailable with the reason; misuse of a session is still misuse."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from openalgo_store import (
    SessionMisuse,
    Settings,
    Store,
    Transaction,
    Unavailable,
    create_user,
    get_engine,
    get_read_session,
    get_write_session,
    use_store,
)
from tests.support.rows import add_user, names

pytestmark = pytest.mark.only("postgresql")

STATES = [
    ("08000", "cannot be reached"),
    ("08P01", "cannot be reached"),
    ("25006", "is read-only, as a standby is: write to its primary"),
    ("25P03", "idle inside its transaction: make sessions shorter"),
    ("25P04", "longer than its transaction_timeout: make it shorter"),
    ("28000", "refused the user"),
    ("3D000", "does not exist"),
    ("40001", "run it again"),
    ("40P01", "run it again"),
    ("42501", "GRANT what is missing"),
    ("53000", "has no room"),
    ("53100", "has a full disk: make room"),
    ("53200", "is out of memory"),
    ("53300", "allows no further connection: lower DB_POOL_SIZE"),
    ("53400", "has no room"),
    ("55006", "is locked"),
    ("55P03", "DB_LOCK_TIMEOUT"),
    ("57000", "try again"),
    ("57014", "DB_STATEMENT_TIMEOUT"),
    ("57P01", "is shutting down, or somebody ended the session"),
    ("57P02", "crashed and is restarting"),
    ("57P03", "is starting, stopping or recovering"),
    ("57P04", "was dropped"),
    ("57P05", "ended a session that was idle"),
    ("58030", "cannot read or write its files"),
    ("58P01", "cannot read or write its files"),
    ("F0000", "configuration file"),
    ("XX000", "look into its log"),
    ("XX001", "holds damaged data"),
    ("XX002", "REINDEX"),
]


@pytest.mark.parametrize(("state", "reason"), STATES)
def test_each_state_that_a_server_in_trouble_sends_is_told(
    store: Store, engine_name: str, state: str, reason: str
) -> None:
    """As the server itself raises them; the store names it, and the server's words follow."""
    trouble = f"DO $$ BEGIN RAISE 'the fan is broken' USING ERRCODE = '{state}'; END $$"
    place = store.databases["main"].identity
    told = rf"^PostgreSQL {place} .*{reason}.* \(the fan is broken\)$"
    for run in (in_a_session, in_the_engine):
        with pytest.raises(Unavailable, match=told) as raised:
            run(trouble)
        assert not raised.value.outcome_unknown


def in_a_session(statement: str) -> None:
    with get_write_session() as tx:
        tx.connection.exec_driver_sql(statement)


def in_the_engine(statement: str) -> None:
    with get_engine().begin() as connection:
        connection.exec_driver_sql(statement)


@pytest.fixture
def read_only(store: Store) -> Iterator[Store]:
    """A store whose server takes no writes; it is the current one."""
    create_user("asha", "asha@example.org", "$argon2-none")
    url = f"{store.settings.database_url}?options=-c%20default_transaction_read_only%3Don"
    with Store(replace(store.settings, database_url=url)) as other, use_store(other):
        yield other


def add(tx: Transaction) -> None:
    add_user(tx, "binod")


def test_a_server_that_takes_no_writes_says_so_and_serves_reads(
    read_only: Store, engine_name: str
) -> None:
    told = "is read-only, as a standby is: .* target_session_attrs=read-write"
    with pytest.raises(Unavailable, match=told), get_write_session() as tx:
        add(tx)
    with pytest.raises(Unavailable, match=told):
        create_user("binod", "binod@example.org", "$argon2-none")  # one statement, without BEGIN
    with pytest.raises(Unavailable, match=told), get_engine().begin() as connection:
        connection.execute(text("DELETE FROM users"))
    assert names() == ["asha"]


def test_a_read_session_that_writes_is_misuse_whatever_the_server_takes(
    read_only: Store, engine_name: str
) -> None:
    with pytest.raises(SessionMisuse, match="use get_write_session"), get_read_session() as tx:
        add(tx)
    with pytest.raises(SessionMisuse, match="use get_write_session"), get_read_session() as tx:
        tx.connection.execute(text("DELETE FROM users"))


@pytest.fixture
def role(store: Store) -> Iterator[str]:
    """A role that may log in and nothing else."""
    name = f"r_{uuid4().hex}"
    in_a_session(f"CREATE ROLE {name} LOGIN CONNECTION LIMIT 1")
    yield name
    in_a_session(f"DROP ROLE {name}")


def as_role(settings: Settings, role: str) -> Settings:
    url = make_url(settings.database_url).set(username=role)
    return replace(settings, database_url=url.render_as_string(hide_password=False))


def test_a_server_that_gives_no_further_connection_says_why(
    store: Store, engine_name: str, role: str
) -> None:
    with Store(as_role(store.settings, role)) as other, use_store(other):
        with get_engine().connect():
            with pytest.raises(Unavailable, match=r"connection \(FATAL: too many conn"):
                names()


def test_a_user_who_lacks_a_right_hears_of_grant(store: Store, engine_name: str, role: str) -> None:
    with Store(as_role(store.settings, role)) as other, use_store(other):
        with pytest.raises(Unavailable, match=r"GRANT .* \(permission denied for tab"):
            names()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            {"database": "absent"},
            r'no connection \(FATAL: database "absent" does not exist\)$',
        ),
        ({"port": 1}, r"cannot be reached \(Connection refused\)$"),
        ({"host": "no.such.host.invalid"}, r"cannot be reached \(failed to resolve host"),
    ],
)
def test_a_connection_that_is_not_made_says_why(
    migrated_settings: Settings, engine_name: str, change: dict[str, str], why: str
) -> None:
    url = make_url(migrated_settings.database_url).set(**change)  # type: ignore[arg-type]
    away = replace(migrated_settings, database_url=url.render_as_string(hide_password=False))
    with Store(away) as other, use_store(other):
        with pytest.raises(Unavailable, match=why) as raised:
            names()
    assert "throwaway" not in f"{raised.value} {raised.value.__cause__!r}"
