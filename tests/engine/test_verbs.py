"""What the verbs of a transaction take and give, and how errors and the log name a statement."""

import logging
from dataclasses import replace
from itertools import chain
from typing import Any

import pytest
from sqlalchemy import JSON, BigInteger, String, bindparam, insert, literal, select, text
from sqlalchemy.types import TypeEngine

from openalgo_store import (
    Conflict,
    InvalidInput,
    Store,
    StoreError,
    get_order,
    get_read_session,
    get_write_session,
    replace_symbols,
    use_store,
)
from openalgo_store.engine.queries import Query
from openalgo_store.tables.accounts import users
from openalgo_store.tables.strategies import strategies
from openalgo_store.tables.symbols import symbols
from tests.support.odd import deep_list
from tests.support.rows import ALL_NAMES, COUNT_USERS, add_user, names, shares, user


def test_one_refuses_a_second_row(store: Store) -> None:
    with get_write_session() as tx:
        add_user(tx, "asha")
        add_user(tx, "binod")
        with pytest.raises(StoreError, match="more than one row"):
            tx.one(ALL_NAMES)


def test_a_statement_gets_exactly_its_parameters(store: Store) -> None:
    from openalgo_store.repositories.symbols.symbols import _get_symbol

    with get_read_session() as tx:
        with pytest.raises(TypeError, match=r"takes \['broker', 'exchange', 'symbol'\]"):
            tx.one(_get_symbol, symbol="X")
        with pytest.raises(TypeError, match=r"takes \['broker', 'exchange', 'symbol'\]"):
            tx.many(_get_symbol, [{"symbol": "X", "exchange": "NSE", "brokers": "zerodha"}])  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="does not take usernames"):
            tx.many(Query.of(insert(users)), [user("asha") | {"usernames": "asha"}])


def test_a_stream_that_is_left_early_is_closed(store: Store) -> None:
    replace_symbols(shares(3000), "zerodha")
    everything = Query.of(select(symbols.c.symbol), str)
    with get_read_session() as tx:
        for _ in range(3):
            assert next(tx.stream(everything)).startswith("SHARE")
        assert len(list(tx.stream(everything))) == 3000


def test_a_stream_is_read_in_the_lists_in_which_it_comes_from_where_it_was_left(
    store: Store,
) -> None:
    replace_symbols(shares(2500), "zerodha")
    everything = Query.of(select(symbols.c.symbol).order_by(symbols.c.id), str)
    with get_read_session() as tx:
        stream = tx.stream(everything)
        first = [next(stream), next(stream)]
        batches = list(stream.batches())
        assert list(map(len, batches)) == [998, 1000, 500]
        assert [*first, *chain.from_iterable(batches)] == [
            f"SHARE{number}" for number in range(2500)
        ]
        assert list(stream) == []


def test_verbs_take_what_a_caller_makes(store: Store) -> None:
    with get_write_session() as tx:
        add_user(tx, "asha")
        named = Query.of(text("SELECT username FROM users WHERE username = :name"), str)
        assert tx.one(named, name="asha") == "asha"
        assert tx.value(COUNT_USERS) == 1


@pytest.mark.parametrize("odd", ["SELECT 1", text("SELECT 1"), None])
def test_verbs_say_how_to_make_what_they_take(store: Store, odd: Any) -> None:
    with get_write_session() as tx:
        for verb in (tx.one, tx.value, tx.all, tx.run, tx.stream):
            with pytest.raises(InvalidInput, match=r"a Query is needed, .*Query\.of\(text"):
                verb(odd)
        with pytest.raises(InvalidInput, match="a Query is needed"):
            tx.many(odd, [{}])


NO_VALUES: list[Any] = [2**63, 2**70, -(2**63) - 1, "\ud800", "x\0"]


@pytest.mark.parametrize("odd", NO_VALUES)
def test_what_a_caller_binds_without_a_type_is_what_both_engines_hold(
    store: Store, odd: Any
) -> None:
    asked = Query.of(text("SELECT username FROM users WHERE username = :name"), str)
    typed = Query.of(text("SELECT :name").bindparams(bindparam("name", type_=type_of(odd))), str)
    with get_write_session() as tx:
        for query in (asked, typed):
            verbs: list[Any] = [tx.one, tx.value, tx.all, tx.run, tx.stream]
            for verb in verbs:
                with pytest.raises(InvalidInput) as raised:
                    verb(query, name=odd)
                assert raised.value.statement == "expression"
            with pytest.raises(InvalidInput):
                tx.many(query, [{"name": odd}])  # type: ignore[arg-type]
        with pytest.raises(InvalidInput):
            tx.value(Query.of(select(literal(odd)), str))
        assert tx.all(ALL_NAMES) == []  # nothing was sent: the session goes on


def type_of(value: Any) -> TypeEngine[Any]:
    return String() if isinstance(value, str) else BigInteger()


NO_JSON: list[Any] = [
    deep_list(), {"a": 10**5000}, {"a": float("nan")}, ["\ud800"], {"\ud800": 1}, {1, 2}, object(),
]  # fmt: skip


@pytest.mark.parametrize("odd", NO_JSON, ids=range(len(NO_JSON)))
def test_json_that_a_caller_binds_is_what_both_engines_hold(store: Store, odd: Any) -> None:
    given = Query.of(
        text("SELECT 1 WHERE :given IS NULL").bindparams(bindparam("given", type_=JSON())), int
    )
    with pytest.raises(InvalidInput), get_write_session() as tx:
        tx.value(given, given=odd)
    with get_write_session() as tx:
        with pytest.raises(InvalidInput):
            tx.connection.execute(insert(strategies), {"config": odd})
        assert tx.all(ALL_NAMES) == []


def test_verbs_say_what_else_they_take(store: Store) -> None:
    odd: Any
    for odd in (5, None, "SELECT 1", [], Query):
        with pytest.raises(InvalidInput, match=r"a Core expression or text\(\.\.\.\) is needed"):
            Query.of(odd)
    with get_write_session() as tx:
        adding: Query[None] = Query.of(insert(users))
        for odd in (5, None):
            with pytest.raises(InvalidInput, match="rows: several are needed"):
                tx.many(adding, odd)
        for odd in ([5], "ab", {"username": "asha"}, [user("asha"), ("asha",)]):
            with pytest.raises(InvalidInput, match="each row must be a mapping"):
                tx.many(adding, odd)
        for odd in (None, 5, "users"):
            with pytest.raises(InvalidInput, match="a Table is needed"):
                tx.copy(odd, ["username"], [])
        for odd in (["nick"], [None], [["username"]], "username"):
            with pytest.raises(InvalidInput, match="a column must be one of id, username"):
                tx.copy(users, odd, [])
        with pytest.raises(InvalidInput, match="columns: several are needed"):
            tx.copy(users, None, [])  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match="rows: several are needed"):
            tx.copy(users, ["username"], None)  # type: ignore[arg-type]
        assert tx.many(adding, (user(name) for name in ("asha", "binod"))) == 2  # type: ignore[arg-type]
    assert names() == ["asha", "binod"]


def test_an_error_names_its_statement(store: Store) -> None:
    with get_write_session() as tx:
        add_user(tx, "asha")
    with pytest.raises(Conflict) as raised, get_write_session() as tx:
        add_user(tx, "asha")
    assert raised.value.statement == "expression"


def test_a_slow_statement_is_named_in_the_log(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with Store(replace(store.settings, db_slow_statement=1e-9)) as slow, use_store(slow):
        replace_symbols(shares(1), "zerodha")
    assert "get_stored_symbols took" in caplog.text
    assert "COMMIT took" in caplog.text
    assert "copy into symbols" not in caplog.text  # which takes as long as there are rows
    caplog.clear()
    replace_symbols(shares(1), "zerodha")
    with Store(replace(store.settings, db_slow_statement=0)) as silent, use_store(silent):
        replace_symbols(shares(1), "zerodha")
    assert "took" not in caplog.text


def test_every_statement_is_named_in_the_log_for_who_asks(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "openalgo_store.statements"):
        get_order("A1")
    assert "get_order took" in caplog.text
