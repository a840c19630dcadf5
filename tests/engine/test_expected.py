"""Rows that a statement always gives: where the database swallows one, an error says so."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from cryptography.fernet import Fernet

from openalgo_store import (
    LIVE,
    Store,
    StoreError,
    Transaction,
    TransactionFailed,
    create_strategy,
    create_user,
    get_write_session,
    import_trade,
    record_fill,
    save_auth_token,
    save_telegram_chat,
    update_order,
    update_order_status,
    use_store,
)
from tests.support.rows import MONDAY, add_order, contents, new_user, trade_row

SWALLOW = {
    "sqlite": "CREATE TRIGGER swallow BEFORE {} ON {} BEGIN SELECT RAISE(IGNORE); END",
    "postgresql": "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS "
    "'BEGIN RETURN NULL; END'; "
    "CREATE TRIGGER swallow BEFORE {} ON {} FOR EACH ROW EXECUTE FUNCTION swallow()",
}
"""A trigger that lets nothing be written, without an error."""

WRITES: dict[str, tuple[str, str, Callable[[Transaction | None], object]]] = {
    "create_user": ("INSERT", "users", lambda tx: create_user("b", "b@x", "$argon2-", tx=tx)),
    "create_strategy": (
        "INSERT", "strategies", lambda tx: create_strategy(1, "b", "webhook", tx=tx),
    ),
    "save_auth_token": (
        "INSERT", "auth_tokens", lambda tx: save_auth_token(1, "zerodha", "unseen", tx=tx),
    ),
    "save_telegram_chat": ("INSERT", "telegram_chats", lambda tx: save_telegram_chat(7, tx=tx)),
    "update_order": ("UPDATE", "orders", lambda tx: update_order("A1", price=1.0, tx=tx)),
    "update_order_status": (
        "UPDATE", "orders", lambda tx: update_order_status("A1", "CANCELLED", tx=tx),
    ),
    "record_fill": (
        "INSERT", "trades", lambda tx: record_fill("A1", "T1", 10, 100.0, MONDAY, tx=tx),
    ),
    "import_trade": ("INSERT", "trades", lambda tx: import_trade(**trade_row(1, "T1"), tx=tx)),
}  # fmt: skip
"""What is written by each function, and by which call."""


@pytest.fixture
def sealing(store: Store) -> Iterator[Store]:
    """A store with a key for tokens; Asha is user 1 and has an order."""
    with Store(
        replace(store.settings, token_encryption_keys=Fernet.generate_key().decode())
    ) as sealing:
        use_store(sealing)
        add_order(new_user(), "A1", book=LIVE)
        yield sealing
        use_store(store)


@pytest.mark.parametrize("function", WRITES)
def test_a_row_that_the_database_swallows_is_an_error_that_says_so(
    sealing: Store, engine_name: str, function: str
) -> None:
    event, table, write = WRITES[function]
    database = "telegram" if table == "telegram_chats" else "main"
    with get_write_session(database) as tx:
        tx.connection.exec_driver_sql(SWALLOW[engine_name].format(event, table))
    before = contents(LIVE)
    with pytest.raises(StoreError, match="gave no row, though it always does: look for a trigger"):
        write(None)
    with pytest.raises(TransactionFailed), get_write_session(database) as tx:
        with pytest.raises(StoreError, match="gave no row"):
            write(tx)
    assert contents(LIVE) == before
