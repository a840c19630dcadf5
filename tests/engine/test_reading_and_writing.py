"""Who may write and when, and what a reader sees meanwhile."""

import threading

import pytest

from openalgo_store import (
    SessionMisuse,
    Store,
    TransactionFailed,
    count_symbols,
    get_read_session,
    get_write_session,
    replace_symbols,
)
from tests.support.rows import ALL_NAMES, add_user, names, shares


def test_a_second_write_session_on_the_thread_is_refused_at_once(store: Store) -> None:
    with get_write_session() as tx:
        add_user(tx, "asha")
        with pytest.raises(SessionMisuse, match="pass that session on as tx=tx"):
            replace_symbols(shares(3), "zerodha")
        replace_symbols(shares(3), "zerodha", tx=tx)
    assert (names(), count_symbols()) == (["asha"], 3)


def test_two_databases_in_one_are_told_apart_from_one(store: Store, engine_name: str) -> None:
    with get_write_session("logs") as tx:
        tx.lock("any")
        if engine_name == "postgresql":  # where all five share one database in these tests
            with pytest.raises(SessionMisuse, match="logs and main are one database"):
                replace_symbols(shares(3), "zerodha")
        else:
            replace_symbols(shares(3), "zerodha")


def test_the_thread_may_write_again_once_the_first_session_has_ended(store: Store) -> None:
    for name in ("asha", "binod"):
        with get_write_session() as tx:
            add_user(tx, name)
    with pytest.raises(ZeroDivisionError), get_write_session():
        _ = 1 / 0
    with get_write_session() as tx:
        add_user(tx, "chitra")
    assert names() == ["asha", "binod", "chitra"]


def test_another_thread_may_write_meanwhile(store: Store) -> None:
    def write() -> None:
        with get_write_session() as tx:
            add_user(tx, "binod")

    with get_write_session() as tx:
        other = threading.Thread(target=write)
        other.start()  # on SQLite it queues, on PostgreSQL it works beside
        add_user(tx, "asha")
    other.join(30)
    assert sorted(names()) == ["asha", "binod"]


def test_a_read_session_cannot_write(store: Store) -> None:
    with pytest.raises(TransactionFailed), get_read_session() as tx:
        with pytest.raises(SessionMisuse, match="use get_write_session"):
            add_user(tx, "asha")
    with get_read_session() as tx:
        with pytest.raises(SessionMisuse, match="a read session cannot write"):
            replace_symbols(shares(1), "zerodha", tx=tx)
    assert names() == []


def test_a_read_session_sees_one_moment(store: Store) -> None:
    with get_read_session() as reader:
        assert reader.all(ALL_NAMES) == []
        with get_write_session() as tx:
            add_user(tx, "asha")
        assert reader.all(ALL_NAMES) == []
    assert names() == ["asha"]
