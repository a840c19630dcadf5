"""`openalgo-store check` names every planted fault with its row and a mend, and nothing else."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text, update

from openalgo_store import (
    Instrument,
    InvalidInput,
    Settings,
    Store,
    get_auth_token,
    get_write_session,
    replace_symbols,
    save_auth_token,
    use_store,
)
from openalgo_store.engine.queries import Query
from openalgo_store.operations.checking import check_databases
from openalgo_store.settings import DATABASES
from openalgo_store.startup import migrate_databases
from openalgo_store.tables.accounts import auth_tokens
from openalgo_store.tables.symbols import symbols
from openalgo_store.tables.trading import live
from tests.support.faulty_rows import plant_faults
from tests.support.installation import KEY, fill, with_secrets
from tests.support.rows import new_user
from tests.support.settings import settings_of

INFINITE = {"sqlite": "9e999", "postgresql": "'infinity'"}

Told = set[tuple[str, Any, str]]


@pytest.fixture
def installation(migrated_settings: Settings) -> Iterator[Store]:
    """Every table has rows; it is the current store."""
    with Store(with_secrets(migrated_settings)) as store:
        fill(store)
        with use_store(store):
            yield store


def told() -> Told:
    found = list(check_databases())
    assert all(each.mend for each in found)
    return {(each.table, each.row_id, each.what) for each in found}


def test_a_sound_installation_has_nothing_to_tell(installation: Store) -> None:
    assert told() == set()


def test_a_null_in_json_is_missing_where_a_value_is_needed(installation: Store) -> None:
    with get_write_session() as tx:
        tx.driver_connection.execute("UPDATE symbol_loads SET renamed = 'null'")
        tx.driver_connection.execute("UPDATE strategies SET config = 'null'")  # which may be NULL
    loads = {(table, what) for table, _, what in told()}
    assert loads == {("symbol_loads", "renamed is missing")}


def test_each_row_that_cannot_be_is_named_and_what_is_not_looked_at_for_it(
    installation: Store,
) -> None:
    planted = {(each.table, each.row_id, each.what) for each in plant_faults(installation)}
    book = ("orders", None, "not looked at because of these: whether the book adds up")
    assert told() == planted | {book}


def test_a_book_is_added_up_although_holdings_have_bad_rows(installation: Store) -> None:
    with get_write_session() as tx:
        tx.run(Query.of(update(live.orders).values(booked_quantity=61)))
        infinite = INFINITE[installation.databases["main"].name]
        tx.run(Query.of(text(f"UPDATE holdings SET average_price = {infinite}")))
    assert {table for table, _, _ in told()} == {"orders", "holdings"}


def test_each_token_that_does_not_open_is_named(installation: Store) -> None:
    changes: list[dict[str, Any]] = [
        {"key_id": "0badc0de"}, {"key_id": None}, {"refresh_token": "x"},
        {"user_id": new_user("uma")},
    ]  # fmt: skip
    rows = []
    for number, change in enumerate(changes):
        saved = save_auth_token(new_user(f"user{number}"), "zerodha", f"secret-{number}", "another")
        rows.append(saved.id)
        with get_write_session() as tx:
            changed = update(auth_tokens).where(auth_tokens.c.id == saved.id).values(**change)
            tx.run(Query.of(changed))
    found = told()
    assert {(table, row_id) for table, row_id, _ in found} == {("auth_tokens", row) for row in rows}
    with pytest.raises(InvalidInput) as refused:
        get_auth_token(changes[-1]["user_id"], "zerodha")
    assert ("auth_tokens", rows[-1], str(refused.value)) in found


def test_secrets_that_are_not_those_of_the_database_are_one_finding(installation: Store) -> None:
    another = Fernet.generate_key().decode()
    for secrets, name in (
        ({"api_key_pepper": "q" * 40}, "API_KEY_PEPPER"),
        ({"token_encryption_keys": another}, "TOKEN_ENCRYPTION_KEYS"),
    ):
        with Store(replace(installation.settings, **secrets)) as store, use_store(store):  # type: ignore[arg-type]
            ((table, row_id, what),) = told()
        assert (table, row_id) == ("secret_sentinels", None)
        assert name in what
    both = f"{another},{KEY}"
    with Store(replace(installation.settings, token_encryption_keys=both)) as store:
        with use_store(store):
            assert told() == set()
    unset = replace(installation.settings, api_key_pepper="", token_encryption_keys="")
    with Store(unset) as store, use_store(store):
        assert told() == set()


def test_each_symbol_whose_columns_contradict_it_is_named(installation: Store) -> None:
    expiry = date(2026, 9, 1)
    options = [
        Instrument(
            f"NIFTY01SEP26{strike}CE", "NFO", str(strike), f"NIFTY26901{strike}CE", "NIFTY",
            instrument_type="CE", lot_size=65, tick_size=0.05, expiry=expiry, strike=float(strike),
        )
        for strike in (24000, 24050, 24100, 24150)
    ]  # fmt: skip
    replace_symbols(options, "angel")
    changes: list[tuple[str, dict[str, Any], str]] = [
        ("24000", {"strike": 2_400_000.0}, "the symbol and its strike disagree"),
        ("24050", {"expiry": date(2026, 10, 6)}, "the symbol and its expiry disagree"),
        ("24100", {"instrument_type": "PE"}, "instrument_type and option_type disagree"),
    ]
    with get_write_session() as tx:
        for token, change, _ in changes:
            tx.run(Query.of(update(symbols).where(symbols.c.token == token).values(**change)))
    assert {what for _, _, what in told()} == {
        f"NIFTY01SEP26{token}CE on NFO of angel: {reason}" for token, _, reason in changes
    }


def test_a_book_that_does_not_add_up_is_told_beside_the_rest(installation: Store) -> None:
    with get_write_session() as tx:
        tx.run(Query.of(update(live.orders).values(booked_quantity=61)))
    found = told()
    assert {table for table, _, _ in found} == {"orders"}
    assert len(found) == 8


def damage_an_index(file: str) -> None:
    with closing(sqlite3.connect(file)) as driver:
        driver.execute("PRAGMA writable_schema = ON")
        driver.execute(
            "UPDATE sqlite_schema SET sql = 'CREATE INDEX ix_symbols_token ON symbols (symbol)' "
            "WHERE name = 'ix_symbols_token'"
        )
        driver.commit()


@pytest.mark.only("sqlite")
def test_a_damaged_index_of_a_file_is_named(installation: Store) -> None:
    damage_an_index(installation.databases["main"].identity)
    with Store(installation.settings) as store, use_store(store):
        found = told()
    assert {table for table, _, _ in found} == {"main"}
    assert all("ix_symbols_token" in what for _, _, what in found)


@pytest.mark.only("sqlite")
def test_a_file_that_names_share_is_looked_through_once(tmp_path: Path) -> None:
    file = tmp_path / "one.db"
    settings = with_secrets(settings_of(dict.fromkeys(DATABASES, f"sqlite:///{file}")))
    migrate_databases(settings, DATABASES)
    with Store(settings) as store:
        fill(store)
        with use_store(store):
            assert told() == set()
    damage_an_index(str(file))
    with Store(settings) as store, use_store(store):
        found = [each.what for each in check_databases()]
    assert found
    assert sorted(found) == sorted(set(found))


@pytest.mark.parametrize("last", [datetime.max, datetime.min])
def test_a_token_that_never_ends_is_no_fault(installation: Store, last: datetime) -> None:
    never = last.replace(tzinfo=UTC)
    save_auth_token(new_user("ravi"), "zerodha", "access", token_expiry=never)
    assert told() == set()


@pytest.mark.only("postgresql")
def test_an_index_of_a_server_that_is_not_valid_is_named(installation: Store) -> None:
    invalid = text(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_symbols_token'::regclass"
    )
    valid = text(
        "UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'ix_symbols_token'::regclass"
    )
    with get_write_session() as tx:
        tx.run(Query.of(invalid))
    try:
        assert told() == {("main", None, "the index ix_symbols_token is not valid")}
    finally:
        with get_write_session() as tx:
            tx.run(Query.of(valid))
