"""Rows that no function of the store writes, planted behind its back."""

import sqlite3
from contextlib import closing

from openalgo_store import Store, get_write_session, use_store
from openalgo_store.operations.row_rules import RowFault
from openalgo_store.tables.trading import STATUSES

_STATUSES = ", ".join(map(repr, STATUSES))
_OF_SQLITE = (
    ("orders", 1, "quantity = 'ten'", "quantity is not a whole number"),
    ("orders", 2, "price = 9e999", "price is infinite"),
    ("orders", 3, "price = 'dear'", "price is not a number"),
    ("orders", 4, "placed_at = '2026-02-30 09:00:00.000000'", "placed_at is not a moment"),
    ("orders", 8, "placed_at = '0000-08-25 09:00:00.000000'", "placed_at is not a moment"),
    ("orders", 5, "status = 'DONE'", f"it breaks the rule status IN ({_STATUSES})"),
    ("orders", 6, "user_id = 999", "user_id refers to no row of users"),
    ("orders", 7, "quantity = 0", "quantity is less than 1"),
    ("positions", 1, "pnl = x'00'", "pnl is not a number"),
    ("positions", 2, "trading_day = '2026-13-01'", "trading_day is not a date"),
    ("symbols", 1, "name = x'61'", "name is not text"),
    ("symbols", 2, "name = 'a' || char(0)", "name holds a NUL character"),
    ("symbols", 3, "name = CAST(x'61ff' AS TEXT)", "a text is not UTF-8"),
    ("symbols", 4, "expiry = '0000-05-05'", "expiry is not a date"),
    ("symbols", 5, "token = printf('%.60c', '7')", "it breaks the rule length(token) <= 50"),
    ("symbols", 6, "last_updated = '2026-01-01'", "last_updated is not a moment"),
    ("strategies", 1, "config = '{a}'", "config is not JSON"),
    ("api_keys", 1, "is_active = 2", "is_active is neither 0 nor 1"),
    ("auth_tokens", 1, "auth_data = '7'", "auth_data is not JSON"),
)
_OF_POSTGRESQL = (
    ("orders", 1, "price = 'NaN'", "price is not a number"),
    ("orders", 2, "price = '-infinity'", "price is infinite"),
    ("orders", 3, "placed_at = 'infinity'", "placed_at is not a moment"),
    ("orders", 4, "placed_at = '0044-03-15 12:00 BC'", "placed_at is not a moment"),
    ("orders", 6, "user_id = 999", "user_id refers to no row of users"),
    ("orders", 7, "quantity = 0", "quantity is less than 1"),
    ("symbols", 4, "expiry = '10000-01-01'", "expiry is not a date"),
    ("auth_tokens", 1, "auth_data = '7'", "auth_data is not JSON"),
)


def plant_faults(store: Store) -> list[RowFault]:
    """Change rows of an installation so that they break rules; which, and how."""
    main = store.databases["main"]
    planted = _OF_SQLITE if main.name == "sqlite" else _OF_POSTGRESQL
    changes = [f"UPDATE {table} SET {change} WHERE id = {key}" for table, key, change, _ in planted]
    if main.name == "sqlite":
        with closing(sqlite3.connect(main.identity, isolation_level=None)) as driver:
            driver.execute("PRAGMA ignore_check_constraints = ON")
            for each in changes:
                assert driver.execute(each).rowcount == 1, each
    else:
        with use_store(store), get_write_session() as tx:
            driver = tx.driver_connection
            driver.execute("SET LOCAL session_replication_role = replica")
            for each in changes:
                assert driver.execute(each).rowcount == 1, each
    return [RowFault(table, key, what) for table, key, _, what in planted]
