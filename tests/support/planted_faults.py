"""Many faults of many kinds, planted behind the store's back in an installation of some size."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from random import Random
from typing import Any, NamedTuple

import psycopg

from openalgo_store import Store
from openalgo_store.settings import DATABASES
from openalgo_store.tables.trading import PRODUCTS, STATUSES
from tests.support.rich_installation import EACH, ORDERS

LEFT_OUT = "order_id, broker refers to a row of orders that is left out"
_STATUS = f"it breaks the rule status IN ({', '.join(map(repr, STATUSES))})"
_PRODUCT = f"it breaks the rule product IN ({', '.join(map(repr, PRODUCTS))})"
_LONG_TOKEN = "it breaks the rule length(token) <= 50"
_LONG_NAME = "it breaks the rule length(name) <= 100"
_KEPT = "is JSON that cannot be kept: NaN and infinity are not numbers the store keeps"

_BOTH = (
    ("dangling", "api_keys", "user_id = 9999", "user_id refers to no row of users"),
    (
        "dangling",
        "trades",
        "order_id = 'gone' || id",
        "order_id, broker refers to no row of orders",
    ),
    ("dangling", "telegram_messages", "chat_id = 77", "chat_id refers to no row of telegram_chats"),
    ("missing", "symbols", "token = NULL", "token is missing"),
    ("missing", "application_logs", "message = NULL", "message is missing"),
    ("missing", "orders", "placed_at = NULL", "placed_at is missing"),
    ("no unit", "orders", "quantity = 0", "quantity is less than 1"),
    ("no unit", "trades", "quantity = -5", "quantity is less than 1"),
    ("no word", "orders", "status = 'DONE'", _STATUS),
    ("no word", "positions", "product = 'XYZ'", _PRODUCT),
    ("number alone", "auth_tokens", "auth_data = '7'", "auth_data is not JSON"),
    ("no JSON to keep", "strategies", """config = '{"a": [1e999]}'""", f"config {_KEPT}"),
    ("no JSON to keep", "strategies", """config = '{"a": -1e400}'""", f"config {_KEPT}"),
)
_OF_SQLITE = (
    *_BOTH,
    ("text, no whole number", "orders", "quantity = 'ten'", "quantity is not a whole number"),
    ("text, no whole number", "holdings", "quantity = '4x'", "quantity is not a whole number"),
    ("text, no number", "orders", "price = 'dear'", "price is not a number"),
    ("text, no number", "latency_metrics", "latency_ms = '-'", "latency_ms is not a number"),
    ("infinite", "holdings", "average_price = 9e999", "average_price is infinite"),
    ("infinite", "trades", "price = -9e999", "price is infinite"),
    ("moment", "orders", "placed_at = '2026-02-30 09:00:00.000000'", "placed_at is not a moment"),
    ("moment", "application_logs", "timestamp = 'soon'", "timestamp is not a moment"),
    ("moment", "auth_tokens", "created_at = 'soon'", "created_at is not a moment"),
    ("moment", "api_keys", "created_at = '2026-01-01'", "created_at is not a moment"),
    ("date", "symbols", "expiry = '2026-13-01'", "expiry is not a date"),
    ("date", "positions", "trading_day = 20260301", "trading_day is not a date"),
    ("NUL", "symbols", "name = 'a' || char(0)", "name holds a NUL character"),
    ("NUL", "telegram_messages", "content = char(0)", "content holds a NUL character"),
    ("not UTF-8", "symbols", "name = CAST(x'61ff' AS TEXT)", "a text is not UTF-8"),
    ("not UTF-8", "strategies", "config = CAST(x'2261ff22' AS TEXT)", "a text is not UTF-8"),
    ("not UTF-8", "application_logs", "message = CAST(x'ff' AS TEXT)", "a text is not UTF-8"),
    ("too long", "symbols", "token = printf('%.60c', '7')", _LONG_TOKEN),
    ("too long", "strategies", "name = printf('%.101c', id)", _LONG_NAME),
    ("bytes", "symbols", "broker_symbol = x'61'", "broker_symbol is not text"),
    ("bytes", "positions", "pnl = x'00'", "pnl is not a number"),
    ("no flag", "api_keys", "is_active = 2", "is_active is neither 0 nor 1"),
    ("no flag", "telegram_messages", "delivered = 'no'", "delivered is neither 0 nor 1"),
    ("no JSON", "strategies", "config = '{a}'", "config is not JSON"),
    ("no JSON", "application_logs", "extra_data = 'NaN'", "extra_data is not JSON"),
)  # fmt: skip
_OF_POSTGRESQL = (
    *_BOTH,
    ("NaN", "orders", "price = 'NaN'", "price is not a number"),
    ("NaN", "latency_metrics", "latency_ms = 'NaN'", "latency_ms is not a number"),
    ("infinite", "holdings", "average_price = '-infinity'", "average_price is infinite"),
    ("infinite", "trades", "price = 'infinity'", "price is infinite"),
    ("moment", "orders", "placed_at = 'infinity'", "placed_at is not a moment"),
    ("moment", "application_logs", "timestamp = '0044-03-15 BC'", "timestamp is not a moment"),
    ("moment", "auth_tokens", "created_at = 'infinity'", "created_at is not a moment"),
    ("moment", "api_keys", "created_at = '-infinity'", "created_at is not a moment"),
    ("date", "symbols", "expiry = '10000-01-01'", "expiry is not a date"),
    ("date", "positions", "trading_day = 'infinity'", "trading_day is not a date"),
    ("too long", "symbols", "token = repeat('7', 60)", _LONG_TOKEN),
    ("number alone", "application_logs", "extra_data = '1.0'", "extra_data is not JSON"),
)  # fmt: skip
_ALIKE = (
    ("holdings", ("user_id", "broker", "symbol", "exchange")),
    ("symbols", ("broker", "symbol", "exchange")),
    ("strategies", ("user_id", "name")),
)
"""Tables of which rows are made alike in these columns."""
_IMPORTED = (
    "user_id",
    "broker",
    "exchange",
    "symbol",
    "trade_id",
    "traded_at",
    "action",
    "product",
)

_SUMS = (
    ("booked", "sandbox_orders", "booked_quantity = booked_quantity + 1", "are booked, and its"),
    ("filled", "sandbox_orders", "fill_value = fill_value + 5", "the value that is filled is not"),
    ("beyond", "sandbox_orders", "quantity = 60, status = 'OPEN'", "it is OPEN, and all 60 are"),
    ("beyond", "sandbox_orders", "status = 'REJECTED'", "it is REJECTED, and 60 are filled"),
    ("position", "sandbox_positions", "quantity = quantity + 1", "its quantity is 61, and its"),
    ("position", "sandbox_positions", "average_price = 1", "its average is 1.0, and its sums"),
    (
        "position", "sandbox_positions",
        "realized_value = realized_value + 5, realized_today = realized_today + 5",
        "realized_value is 5, and by its trades and adjustments 0",
    ),
)  # fmt: skip
_TOKENS = (
    ("closed token", "auth_tokens", "key_id = '0badc0de'", "TOKEN_ENCRYPTION_KEYS"),
    ("closed token", "auth_tokens", "refresh_token = 'x'", "token"),
)


class Planted(NamedTuple):
    """A fault: its kind, its row, and what is said of it, for `check` alone a part of that."""

    kind: str
    table: str
    row_id: Any
    what: str


class Faults(NamedTuple):
    """Rows that cannot be, trades of such orders, and what `check` alone names."""

    rows: list[Planted]
    following: set[int]
    others: list[Planted]


_CONTRADICTIONS = (
    ("contradiction", "symbols", "strike = strike * 100", "the symbol and its strike disagree"),
    ("contradiction", "symbols", "expiry = '2026-10-06'", "the symbol and its expiry disagree"),
    ("contradiction", "symbols", "instrument_type = 'PE'", "instrument_type and option_type"),
)


def plant_many(store: Store, dice: Random) -> Faults:
    """Faults of every kind that the engine can hold, in rows that are drawn."""
    with ExitStack() as opened:
        if store.databases["main"].name == "sqlite":
            files = {name: store.databases[name].identity for name in DATABASES}
            drivers = {name: _relaxed_file(opened, file) for name, file in files.items()}
            return _Planting(drivers, dice).plant(_OF_SQLITE)
        url = store.settings.url("main").replace("+psycopg", "")
        server = opened.enter_context(closing(psycopg.connect(url, autocommit=True)))
        _relax_server(server)
        return _Planting(dict.fromkeys(DATABASES, server), dice).plant(_OF_POSTGRESQL)


class _Planting:
    """Draws rows of which each gets one fault at most."""

    def __init__(self, drivers: dict[str, Any], dice: Random) -> None:
        self._drivers = drivers
        self._dice = dice
        self._left: dict[str, list[int]] = {}
        self._orders: list[int] = []

    def plant(self, kinds: tuple[tuple[str, str, str, str], ...]) -> Faults:
        self._draw_rows()
        rows = [*self._changed(kinds), *self._alike()]
        bad = [each for each in rows if each.table == "orders" and each.kind != "alike"]
        following = self._trades_of(each.row_id for each in bad)
        options = self._ids("symbols", "broker = 'angel'")
        self._left["symbols"] = [each for each in self._left["symbols"] if each in options]
        others = [*self._changed((*_CONTRADICTIONS, *_TOKENS, *_SUMS)), *self._strays()]
        return Faults(rows, following, others)

    def _draw_rows(self) -> None:
        """Shares get other faults than options; trades and orders are none of each other."""
        shares = self._ids("symbols", "broker = 'zerodha'")
        options = self._ids("symbols", "broker = 'angel'")
        names = ", ".join(f"'O{number}'" for number in range(ORDERS // 2))
        half = f"order_id IN ({names})"
        filled = f"order_id LIKE 'O%' AND NOT {half}"
        self._left = {
            "orders": self._ids("orders", half),
            "trades": self._ids("trades", filled),
            "positions": self._ids("positions", "symbol LIKE 'X%'"),
            "sandbox_orders": self._ids("sandbox_orders", "order_id LIKE 'O%'"),
            "sandbox_positions": self._ids("sandbox_positions", "symbol LIKE 'X%'"),
        }
        for table in (
            *("api_keys", "holdings", "strategies", "auth_tokens", "telegram_messages"),
            *("application_logs", "latency_metrics"),
        ):
            self._left[table] = self._ids(table, "TRUE")
        for each in self._left.values():
            self._dice.shuffle(each)
        self._dice.shuffle(shares)
        self._left["symbols"] = [*options, *shares]

    def _changed(self, kinds: tuple[tuple[str, str, str, str], ...]) -> Iterator[Planted]:
        for kind, table, change, what in kinds:
            for _ in range(EACH):
                row_id = self._left[table].pop()
                self._run(table, f"UPDATE {table} SET {change} WHERE id = {row_id}")
                yield Planted(kind, table, row_id, what)

    def _alike(self) -> Iterator[Planted]:
        """The later one of two rows that say the same."""
        imported = self._ids("trades", "order_id IS NULL")
        self._dice.shuffle(imported)
        for table, columns, left in (
            *((table, columns, self._left[table]) for table, columns in _ALIKE),
            ("trades", _IMPORTED, imported),
            ("orders", ("order_id", "broker"), self._twins()),
        ):
            for _ in range(EACH):
                first, later = sorted((left.pop(), left.pop()))
                values = ", ".join(
                    f"{each} = (SELECT o.{each} FROM {table} AS o WHERE o.id = {first})"
                    for each in columns
                )
                self._run(table, f"UPDATE {table} SET {values} WHERE id = {later}")
                what = f"{', '.join(columns)} are those of another row"
                yield Planted("alike", table, later, what)

    def _twins(self) -> list[int]:
        """Orders without trades, each behind one that has one."""
        twins = self._ids("orders", "order_id LIKE 'twin%'")
        traded = self._ids("orders", "order_id LIKE 'same%'")
        return [each for pair in zip(traded, twins, strict=True) for each in pair]

    def _strays(self) -> Iterator[Planted]:
        """Rows of positions that are not there."""
        trade = "trade_id, action, quantity, price, traded_at, is_fill"
        for table, columns, what in (
            ("sandbox_position_days", "trading_day", "no position has it"),
            ("sandbox_position_adjustments", "kind, adjusted_at", "no position has it"),
            ("sandbox_trades", trade, "is in no position"),
        ):
            for number in range(900, 900 + EACH):
                names = f"id, user_id, broker, symbol, exchange, product, {columns}"
                values = f"{number}, user_id, broker, 'GONE{number}', exchange, product, {columns}"
                taken = f"SELECT {values} FROM {table} ORDER BY id LIMIT 1"
                self._run(table, f"INSERT INTO {table} ({names}) {taken}")
                yield Planted("stray", table, number, what)

    def _trades_of(self, orders: Iterator[int]) -> set[int]:
        these = ", ".join(map(str, orders))
        return {
            *self._ids(
                "trades",
                f"EXISTS (SELECT 1 FROM orders AS o WHERE o.order_id = trades.order_id "
                f"AND o.broker = trades.broker AND o.id IN ({these}))",
            )
        }

    def _ids(self, table: str, condition: str) -> list[int]:
        found = self._driver(table).execute(f"SELECT id FROM {table} WHERE {condition} ORDER BY id")
        return [number for (number,) in found.fetchall()]

    def _run(self, table: str, statement: str) -> int:
        changed = self._driver(table).execute(statement).rowcount
        assert changed == 1, statement
        return int(changed)

    def _driver(self, table: str) -> Any:
        """The connection to the database that has the table."""
        names = {"latency_metrics": "latency", "application_logs": "logs"}
        name = names.get(table, table.partition("_")[0])
        return self._drivers[name if name in DATABASES else "main"]


def _relaxed_file(opened: ExitStack, file: str) -> sqlite3.Connection:
    """A connection that keeps to no rule, and the file without those that it would keep to."""
    with closing(sqlite3.connect(file, isolation_level=None)) as driver:
        driver.execute("PRAGMA writable_schema = ON")
        driver.execute(
            "UPDATE sqlite_schema SET sql = replace(sql, ' NOT NULL', '') WHERE type = 'table'"
        )
    driver = opened.enter_context(closing(sqlite3.connect(file, isolation_level=None)))
    driver.execute("PRAGMA ignore_check_constraints = ON")
    driver.execute("DROP INDEX IF EXISTS uq_trades_imported")
    for table in ("orders", *(table for table, _ in _ALIKE)):
        for (text,) in driver.execute(
            "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?", (table,)
        ).fetchall():
            without = re.sub(r",\s*CONSTRAINT \w+\s+UNIQUE \([^)]*\)", "", text)
            assert without != text
            driver.execute(f"ALTER TABLE {table} RENAME TO before")
            driver.execute(without)
            driver.execute(f"INSERT INTO {table} SELECT * FROM before")
            driver.execute("DROP TABLE before")
    return driver


def _relax_server(driver: Any) -> None:
    """As a server may be after a restore that went wrong: without constraints."""
    constraints = driver.execute(
        "SELECT conrelid::regclass::text, quote_ident(conname) FROM pg_constraint "
        "WHERE contype IN ('c', 'f', 'u') AND conrelid <> 0 "
        "AND connamespace = current_schema()::regnamespace ORDER BY contype DESC"
    ).fetchall()
    columns = driver.execute(
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = current_schema() AND is_nullable = 'NO' AND column_name IN "
        "('token', 'message', 'placed_at')"
    ).fetchall()
    with driver.transaction():
        for table, name in constraints:
            driver.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name} CASCADE")
        for table, column in columns:
            driver.execute(f"ALTER TABLE {table} ALTER {column} DROP NOT NULL")
        driver.execute("DROP INDEX IF EXISTS uq_trades_imported")
        driver.execute("ALTER TABLE symbols ALTER token TYPE text")
