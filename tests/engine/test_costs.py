"""What the hot paths cost, where it can be counted: statements, round trips, connections, calls."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import event

import openalgo_store
from openalgo_store import (
    Store,
    create_api_key,
    create_order,
    get_auth_token,
    get_engine,
    get_order,
    get_orders_after,
    get_read_session,
    get_user_by_api_key,
    record_fill,
    replace_symbols,
    save_auth_token,
    use_store,
)
from openalgo_store.engine.sqlite.connections import Connections
from tests.support.round_trips import tracing
from tests.support.rows import MONDAY, new_user, order_row, shares

PACKAGE = str(Path(openalgo_store.__file__).parent)
Work = Callable[[], object]
_numbers = count(1)


@pytest.fixture
def secretive(store: Store) -> Iterator[Store]:
    """A store with every secret, which is the current one; its user is number 1."""
    key = Fernet.generate_key().decode()
    settings = replace(store.settings, api_key_pepper="p" * 40, token_encryption_keys=key)
    with Store(replace(settings, db_sqlite_idle=4, cache_lease=3600)) as store, use_store(store):
        new_user()
        yield store


def place() -> str:
    order_id = f"A{next(_numbers)}"
    create_order(**order_row(1, order_id))
    return order_id


def fill(order_id: str) -> None:
    record_fill(order_id, f"T{order_id}", 10, 812.35, MONDAY)


def works(store: Store) -> dict[str, tuple[Work, int, int]]:
    """Each hot path, what it sends, and how many of our functions it may call."""
    api_key = create_api_key(1).api_key
    save_auth_token(1, "zerodha", "token")
    waiting = [place() for _ in range(9)]
    read = waiting[0]

    def ask_for_key() -> None:
        store.api_keys.forget([store.secrets.digest(api_key)])
        get_user_by_api_key(api_key)

    def ask_for_token() -> None:
        store.tokens.forget(["1:zerodha"])
        get_auth_token(1, "zerodha")

    return {
        "an order": (place, 1, 102),
        "a fill": (lambda: fill(waiting.pop()), 6, 240),
        "an order read": (lambda: get_order(read), 1, 60),
        "a page": (lambda: get_orders_after(1), 1, 110),
        "an API key": (ask_for_key, 1, 74),
        "a token": (ask_for_token, 1, 96),
    }


@pytest.mark.parametrize(
    "name", ["an order", "a fill", "an order read", "a page", "an API key", "a token"]
)
def test_a_hot_path_sends_what_it_must_opens_nothing_and_calls_little(
    secretive: Store, name: str, engine_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, statements, calls = works(secretive)[name]
    for _ in range(2):
        work()  # what is made once, a compiled statement or a connection, is there
    opened: list[object] = []
    event.listen(get_engine(), "connect", lambda *_: opened.append("connection"))
    monkeypatch.setattr(Connections, "_opened", lambda *_: opened.append("connection"))
    with tracing(secretive) as sent:
        work()
    assert len(sent) == statements, sent
    assert opened == []
    assert calls_of(work) <= calls


def calls_of(work: Work) -> int:
    """How many functions of ours are called."""
    called = 0

    def note(frame: FrameType, what: str, _: Any) -> None:
        nonlocal called
        called += what == "call" and frame.f_code.co_filename.startswith(PACKAGE)

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return called


def test_a_read_in_a_given_session_is_one_statement(secretive: Store) -> None:
    order_id = place()
    with tracing(secretive) as sent, get_read_session() as tx:
        for _ in range(5):
            get_order(order_id, tx=tx)
    assert len(sent) - 5 <= 3, sent  # BEGIN, COMMIT and, on SQLite, that it only reads


def written(store: Store, engine_name: str) -> int:
    """Bytes that have gone into the write-ahead log."""
    with get_engine().connect() as connection:
        if engine_name == "postgresql":
            lsn = "SELECT pg_current_wal_insert_lsn() - '0/0'"
            return int(connection.exec_driver_sql(lsn).scalar_one())
    return Path(f"{store.databases['main'].identity}-wal").stat().st_size


def test_a_reload_writes_its_differences_into_the_log_and_not_the_master(
    secretive: Store, engine_name: str
) -> None:
    """On SQLite the log is measured while it still grows: it is 4 MiB before it starts anew."""
    replace_symbols(shares(2000), "zerodha")
    before = written(secretive, engine_name)
    replace_symbols([*shares(1960), *shares(2020, token="N")[2000:]], "zerodha")
    assert written(secretive, engine_name) - before < 400_000
