"""Every statement of sql/ is used, explained, understood by both engines; the loader's rules."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Table

from openalgo_store import LIVE, Book, Store, get_write_session, replace_symbols, repositories
from openalgo_store.engine.queries import Query, SqlFile, output_columns, read_statements
from openalgo_store.settings import project_folder
from openalgo_store.tables import METADATA
from openalgo_store.tables.symbols import symbol_loads, symbols
from openalgo_store.values import clock
from tests.support.plans import analyse, is_sorted
from tests.support.rows import MONDAY, both_books, new_user, order_row, shares, trade_row

FILES = sorted(
    str(each.relative_to(project_folder("sql")))
    for each in Path(project_folder("sql")).rglob("*.sql")
)
TABLES = {table.name: name for name, each in METADATA.items() for table in each.sorted_tables}
"""The database of a table."""
DATABASES = {
    name: next(
        TABLES[word] for word in re.findall(r"\w+", next(iter(texts.values()))) if word in TABLES
    )
    for path in FILES
    for name, texts in read_statements(path).items()
}
"""The database that a statement is for."""

BROKERS = ("angel", "dhan", "fyers", "kotak", "upstox", "zebu", "zerodha")
SAMPLES = {
    "broker": "zerodha", "symbol": "SHARE7", "exchange": "NSE", "token": "T7",
    "broker_symbol": "SHARE7-EQ", "pairs": '[["SHARE7", "NSE"]]', "id": 1,
    "user_id": 1, "name": "api_key_pepper", "after": 0, "newest": "", "batch_size": 500,
    "order_id": "A7", "trade_id": "T7", "traded_at": "2026-03-02 04:00:00.000000+00:00",
    "action": "BUY", "product": "CNC", "most": 2**61,
    "day": "2026-03-02", "trading_day": "2026-03-02",
    "day_begin": "2026-03-01 18:30:00.000000", "day_end": "2026-03-02 18:30:00.000000",
    "quantity": 1, "buy_quantity": 1, "buy_value": 1, "sell_quantity": 0, "sell_value": 0,
    "since": "2026-03-02 03:45:00.000000", "until": "2026-03-03 03:45:00.000000",
    "bucket_seconds": 60, "ist_offset": 19_800, "before": "2026-03-02 03:45:00.000000",
    "chat_id": 7, "now": "2026-03-02 04:00:00.000000", "row_limit": 10,
}  # fmt: skip
INDEXES = {
    "get_symbol": "uix_symbol",
    "get_symbol_by_token": "ix_symbols_token",
    "get_symbol_by_broker_symbol": "ix_symbols_broker_symbol",
    "get_symbol_tokens": "uix_symbol",
    "count_symbols_of_broker": "uix_symbol",
    "get_brokers": "uix_symbol",
    "get_last_symbol_load": "ix_symbol_loads_broker_id",
}
"""Which index serves a statement, as the comment above it says."""
BOOK_INDEXES = {
    "get_order": "uq_orders_order_id",
    "lock_order": "uq_orders_order_id",
    "get_open_orders": "ix_orders_user_status",
    "get_trade": "uq_trades_order_id_trade_id",
    "get_imported_trade": "uq_trades_imported",
    "get_daily_pnl": "ix_trades_user_date",
    "get_daily_sums": "ix_trades_user_date",
    "get_position": "uq_positions_user_id_broker_symbol_exchange_product",
    "get_positions": "uq_positions_user_id_broker_symbol_exchange_product",
    "get_holdings": "uq_holdings_user_id_broker_symbol_exchange",
}
"""The same for the statements of a book, whose prefix stands before the name of the table."""
SORTS_A_FEW_ROWS = {
    "get_symbol_by_token",
    "get_symbol_by_broker_symbol",  # one row for each broker that uses the same token
    "get_open_orders",
    "get_daily_sums",  # one day's trades, grouped
    "get_positions",  # of one user, where PostgreSQL finds a sort cheaper
    "get_holdings",
}


def queries() -> Iterator[tuple[str, Query[object]]]:
    """Every named query of every repository, with its database."""
    found = pkgutil.walk_packages(repositories.__path__, f"{repositories.__name__}.")
    for name in (each.name for each in found):
        for each in vars(importlib.import_module(name)).values():
            if isinstance(each, Query):
                yield DATABASES[each.name], each
            elif isinstance(each, dict) and LIVE in each:
                for book, query in each.items():
                    if isinstance(query, Query):
                        yield book.database, query


def test_every_statement_is_used_by_a_repository() -> None:
    named = {name for path in FILES for name in read_statements(path)}
    fixed = {query.name for _, query in queries() if query.binds is not None}
    assert fixed == named
    assert named >= INDEXES.keys() | BOOK_INDEXES.keys()
    assert FILES


def test_every_statement_says_why_it_is_as_it_is() -> None:
    for path in FILES:
        source = (project_folder("sql") / path).read_text(encoding="utf-8")
        for statement in re.split(r"^-- name: ", source, flags=re.MULTILINE)[1:]:
            name, comment = statement.splitlines()[:2]
            assert comment.startswith("-- "), f"{path}: {name} has no comment"


def plan_of(store: Store, query: Query[Any], database: str | None = None) -> str:
    """How the engine means to run a statement."""
    database = database or DATABASES[query.name]
    dialect = store.databases[database]
    explain = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}[dialect.name]
    compiled: Any = query.on(dialect.name).compile(dialect.engine)  # type: ignore[attr-defined]
    values = {name: SAMPLES.get(name) for name in compiled.params}
    in_order = compiled.positiontup
    with get_write_session(database) as tx:
        rows = tx.connection.exec_driver_sql(
            f"{explain} {compiled}",
            values if in_order is None else tuple(values[name] for name in in_order),
        )
        return "\n".join(map(str, rows))


def test_every_statement_passes_explain(store: Store) -> None:
    for database, query in queries():
        plan_of(store, query, database)


def test_every_lookup_is_served_by_its_index(store: Store, engine_name: str) -> None:
    """On analysed tables of a few thousand rows: the index is used, and nothing is sorted."""
    for broker in BROKERS:
        replace_symbols(shares(1000), broker)
    with get_write_session() as tx:
        columns = [each.name for each in symbol_loads.columns if each.name != "id"]
        load: tuple[Any, ...] = ("loaded", clock.now(), *[0] * 6, {}, [], [], 0.0, 0.0, 0.0, None)
        tx.copy(symbol_loads, columns, [(f"broker{n % 200}", *load) for n in range(3000)])
        tx.connection.exec_driver_sql("ANALYZE")
    for _, query in queries():
        if index := INDEXES.get(query.name):
            plan = plan_of(store, query)
            named = "sqlite_autoindex_symbols_1" if engine_name == "sqlite" else "uix_symbol"
            assert index.replace("uix_symbol", named) in plan, plan
            if query.name not in SORTS_A_FEW_ROWS:
                assert "Sort" not in plan
                assert "TEMP B-TREE" not in plan


@both_books
def test_every_lookup_of_a_book_is_served_by_its_index(
    store: Store, engine_name: str, book: Book
) -> None:
    """Of 30 users with 100 rows each; one order in fifty is open, one trade in two imported."""
    owners = [new_user(f"user{number}") for number in range(30)]
    orders, trades, positions, holdings = book.tables
    rows: dict[Table, list[dict[str, Any]]] = {table: [] for table in book.tables}
    for number in range(3000):
        owner, name, at = owners[number // 100], f"A{number}", MONDAY + timedelta(minutes=number)
        status = "COMPLETE" if number % 50 else "OPEN"
        rows[orders].append(order_row(owner, name, status=status, placed_at=at))
        ordered = {"order_id": name if number % 2 else None, "traded_at": at}
        rows[trades].append(trade_row(owner, f"T{number}", **ordered))
        key = {"user_id": owner, "broker": "zerodha", "symbol": f"SHARE{number}", "exchange": "NSE"}
        rows[holdings].append(key)
        rows[positions].append(key | {"product": "CNC"})
    with get_write_session(book.database) as tx:
        for table, each in rows.items():
            tx.copy(table, list(each[0]), [tuple(row.values()) for row in each])
    analyse(store, book)
    for database, query in queries():
        index = BOOK_INDEXES.get(query.name)
        if index is None or database != book.database:
            continue
        kind, of, columns = index.split("_", 2)
        name = f"{kind}_{book.prefix}{of}_{columns}"
        if engine_name == "sqlite" and kind == "uq" and columns != "imported":
            name = f"sqlite_autoindex_{book.prefix}{of}_1"
        plan = plan_of(store, query, database)
        assert name in plan, plan
        if query.name not in SORTS_A_FEW_ROWS:
            assert not is_sorted(plan), plan


class Pair(NamedTuple):
    symbol: str
    token: str


def test_a_missing_statement_or_a_wrong_column_fails_when_it_is_read() -> None:
    file = SqlFile("symbols/symbols.sql", symbols)
    with pytest.raises(LookupError, match="no statement named get_moon"):
        file.query("get_moon", Pair)
    with pytest.raises(LookupError, match=r"get_symbol returns .*, not \['symbol', 'token'\]"):
        file.query("get_symbol", Pair)
    with pytest.raises(LookupError, match="count_symbols returns"):
        file.command("count_symbols")


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SELECT a, t.b, count(*) AS n FROM t", ["a", "b", "n"]),
        ("SELECT DISTINCT a FROM t", ["a"]),
        ("WITH x AS (SELECT q FROM t) SELECT max(a, (SELECT 1)) AS m, b FROM x", ["m", "b"]),
        ("INSERT INTO t (a) SELECT b FROM u RETURNING id, a AS c", ["id", "c"]),
        ("INSERT INTO t (a) SELECT b FROM u", []),
        ("DELETE FROM t WHERE a = :a", []),
        ("SELECT 1 AS one", ["one"]),
    ],
)
def test_the_columns_of_a_statement_are_read_from_its_text(sql: str, columns: list[str]) -> None:
    assert output_columns(sql) == columns


def test_a_book_prefixes_the_tables_that_are_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "o.sql").write_text(
        "-- name: n\n-- why: a :comment\nSELECT token FROM /*book*/symbols;"
    )
    monkeypatch.setattr("openalgo_store.engine.queries.project_folder", lambda name: tmp_path)
    read_statements.cache_clear()
    query = SqlFile("o.sql", symbols, book="sandbox_").query("n", str)
    assert "FROM sandbox_symbols" in str(query.on("sqlite"))
    assert query.binds == frozenset()
    read_statements.cache_clear()
