"""What no column can hold is InvalidInput before the database sees it; moments come back in UTC."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from enum import IntEnum, StrEnum
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from openalgo_store import (
    InvalidInput,
    Store,
    authorize_telegram_chat,
    create_api_key,
    create_order,
    create_strategy,
    delete_strategy,
    delete_user,
    get_auth_token,
    get_daily_pnl,
    get_holdings,
    get_latency_stats,
    get_logs,
    get_open_orders,
    get_order,
    get_order_history,
    get_orders_after,
    get_positions,
    get_strategy,
    get_telegram_chat,
    get_trades,
    get_user,
    get_user_by_username,
    get_write_session,
    last_symbol_load,
    list_api_keys,
    list_auth_tokens,
    list_strategies,
    queue_telegram_message,
    reactivate_user,
    revoke_api_key,
    revoke_auth_token,
    save_telegram_chat,
    set_strategy_active,
    set_telegram_notifications,
    use_store,
)
from openalgo_store.engine.queries import Query
from openalgo_store.tables.accounts import users
from tests.support.rows import MONDAY, add_user, names, new_user, order_row, user

TODAY = MONDAY.date()
BY_ID: dict[str, Callable[[Any], object]] = {
    "get_user": get_user,
    "delete_user": delete_user,
    "reactivate_user": reactivate_user,
    "create_api_key": create_api_key,
    "list_api_keys": list_api_keys,
    "revoke_api_key": revoke_api_key,
    "list_auth_tokens": list_auth_tokens,
    "get_auth_token": lambda number: get_auth_token(number, "zerodha"),
    "revoke_auth_token": lambda number: revoke_auth_token(number, "zerodha"),
    "create_strategy": lambda number: create_strategy(number, "momentum", "python"),
    "get_strategy": get_strategy,
    "list_strategies": list_strategies,
    "set_strategy_active": lambda number: set_strategy_active(number, True),
    "delete_strategy": delete_strategy,
    "create_order": lambda number: create_order(**order_row(number, "A1")),
    "get_open_orders": get_open_orders,
    "get_order_history": get_order_history,
    "get_orders_after": get_orders_after,
    "get_trades": get_trades,
    "get_positions": get_positions,
    "get_holdings": get_holdings,
    "get_daily_pnl": lambda number: get_daily_pnl(number, TODAY),
    "save_telegram_chat": save_telegram_chat,
    "get_telegram_chat": get_telegram_chat,
    "authorize_telegram_chat": authorize_telegram_chat,
    "set_telegram_notifications": lambda number: set_telegram_notifications(number, True),
    "queue_telegram_message": lambda number: queue_telegram_message(number, "order", "filled"),
}
BY_TEXT: dict[str, Callable[[Any], object]] = {
    "get_user_by_username": get_user_by_username,
    "get_order": get_order,
    "create_order": lambda text: create_order(**order_row(1, "A1", symbol=text)),
    "list_strategies": lambda text: list_strategies(1, strategy_type=text),
    "get_auth_token": lambda text: get_auth_token(1, text),
    "get_order_history": lambda text: get_order_history(1, symbol=text),
    "get_trades": lambda text: get_trades(1, symbol=text),
    "last_symbol_load": last_symbol_load,
    "get_latency_stats": lambda text: get_latency_stats(
        MONDAY, MONDAY + timedelta(days=1), broker=text
    ),
}


@pytest.fixture
def sealing(store: Store) -> Iterator[None]:
    """The current store has secrets, for API keys and broker tokens."""
    key = Fernet.generate_key().decode()
    settings = replace(store.settings, api_key_pepper="p" * 32, token_encryption_keys=key)
    with Store(settings) as opened:
        use_store(opened)
        yield
        use_store(store)


@pytest.mark.parametrize("name", BY_ID)
def test_an_id_is_a_whole_number_of_64_bits(sealing: None, name: str) -> None:
    for value in (2**63, -(2**70), 1.0, "1", b"1", True, [1]):
        with pytest.raises(InvalidInput):
            BY_ID[name](value)


@pytest.mark.parametrize("name", BY_TEXT)
def test_a_text_is_one_that_both_engines_can_hold(sealing: None, name: str) -> None:
    for value in ("SBIN\0", "\ud800", 1, 1.5, b"SBIN", ["SBIN"]):
        with pytest.raises(InvalidInput):
            BY_TEXT[name](value)


@pytest.mark.parametrize("value", ["SBIN\0", "\ud800"], ids=repr)
def test_so_is_what_is_looked_for_within_texts(store: Store, value: str) -> None:
    with pytest.raises(InvalidInput):
        get_logs(text=value)


class Exchange(StrEnum):
    NSE = "NSE"


class Text(str):
    def __str__(self) -> str:
        return "another"


class Units(IntEnum):
    LOT = 75


def test_kinds_of_texts_and_numbers_are_kept_as_what_they_are(store: Store) -> None:
    given = {"exchange": Exchange.NSE, "symbol": Text("SBIN"), "quantity": Units.LOT}
    order = create_order(**order_row(new_user(), Text("A1"), **given))
    assert order == get_order(Text("A1"))
    kept = (order.order_id, order.exchange, order.symbol, order.quantity)
    assert kept == ("A1", "NSE", "SBIN", 75)
    assert [type(each) for each in kept] == [str, str, str, int]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"username": "a\0b"}, "NUL"),
        ({"username": "a\ud800b"}, "surrogate"),
        ({"username": "x" * 81}, "81 characters where the column holds 80"),
        ({"created_at": user("x")["created_at"].replace(tzinfo=None)}, "no time zone"),
    ],
)
def test_a_value_no_column_may_hold_is_refused_before_it_is_sent(
    store: Store, change: dict[str, object], message: str
) -> None:
    with get_write_session() as tx:
        with pytest.raises(InvalidInput, match=message):
            add_user(tx, "asha", **change)
        add_user(tx, "binod")  # nothing was sent, so the session goes on
    assert names() == ["binod"]


def test_moments_come_back_aware_and_in_utc(store: Store) -> None:
    moment = user("x")["created_at"]
    with get_write_session() as tx:
        add_user(tx, "asha", created_at=moment.astimezone(None))
        assert tx.value(Query.of(select(users.c.created_at), type(moment))) == moment
