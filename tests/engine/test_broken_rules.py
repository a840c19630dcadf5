"""A broken rule of the schema is one error of the store, in the same words from both engines."""

from collections.abc import Callable

import pytest
from sqlalchemy import delete, insert, text, update

from openalgo_store import (
    Conflict,
    InvalidInput,
    Store,
    StoreError,
    Transaction,
    get_write_session,
)
from openalgo_store.engine.queries import Query
from openalgo_store.tables.accounts import users
from tests.support.rows import add_strategy, add_user, names, user


def test_a_broken_rule_is_told_by_name_and_in_the_same_words(with_asha: Store) -> None:
    def error_of(write: Callable[[Transaction], object]) -> StoreError:
        with pytest.raises(StoreError) as raised, get_write_session() as tx:
            write(tx)
        return raised.value

    taken = error_of(lambda tx: add_user(tx, "Asha", email_key="another@example.org"))
    assert isinstance(taken, Conflict)
    assert taken.constraint == "uq_users_username_key"
    assert str(taken) == "users already has a row with this username_key"
    assert taken.__cause__ is not None

    orphan = error_of(lambda tx: add_strategy(tx, 999, "momentum"))
    assert isinstance(orphan, Conflict)
    assert orphan.constraint == "fk_strategies_user_id"
    assert str(orphan) == "strategies.user_id must name a row of users"

    astrology = (
        "INSERT INTO strategies (user_id, name, strategy_type, is_active, created_at) "
        "SELECT id, 'momentum', 'astrology', is_active, created_at FROM users"
    )
    odd = error_of(lambda tx: tx.run(Query.of(text(astrology))))  # past the type of the column
    assert isinstance(odd, InvalidInput)
    assert "ck_strategies_strategy_type" in str(odd)

    absent = error_of(lambda tx: add_user(tx, "binod", email=None))
    assert (type(absent), str(absent)) == (InvalidInput, "users.email needs a value")


def test_a_row_that_is_still_referred_to_is_a_conflict(with_asha: Store, engine_name: str) -> None:
    with get_write_session() as tx:
        add_strategy(tx, 1, "momentum")
    with pytest.raises(Conflict) as raised, get_write_session() as tx:
        tx.run(Query.of(delete(users)))
    named = {"postgresql": "fk_strategies_user_id", "sqlite": None}  # which does not tell
    assert raised.value.constraint == named[engine_name]
    with pytest.raises(Conflict) as raised, get_write_session() as tx:
        tx.run(Query.of(update(users).values(id=2)))
    assert raised.value.constraint == named[engine_name]
    assert names() == ["asha"]


def test_the_broken_reference_is_found_among_several(with_asha: Store) -> None:
    from openalgo_store.tables.trading import live as trading

    trade = {
        "trade_id": "1", "order_id": "no such order", "user_id": 1, "broker": "zerodha",
        "symbol": "X", "exchange": "NSE", "action": "BUY", "product": "MIS", "quantity": 1,
        "price": 1.0, "traded_at": user("x")["created_at"],
    }  # fmt: skip
    for change, constraint in (
        ({}, "fk_trades_order_id_broker"),
        ({"user_id": 7}, "fk_trades_user_id"),
    ):
        row = trade | change | ({"order_id": None} if change else {})
        with pytest.raises(Conflict) as raised, get_write_session() as tx:
            tx.run(Query.of(insert(trading.trades).values(**row)))
        assert raised.value.constraint == constraint


def test_the_text_length_is_held_by_the_database_too(store: Store) -> None:
    with pytest.raises(InvalidInput, match="ck_users_username_length"), get_write_session() as tx:
        add_user(tx, "asha")
        tx.connection.execute(text("UPDATE users SET username = :long"), {"long": "x" * 81})
