"""An installation in which every table has rows, odd ones among them, and some rows are gone."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple

from cryptography.fernet import Fernet
from sqlalchemy import delete, insert, select

from openalgo_store import (
    Settings,
    Store,
    adjust_position,
    authorize_telegram_chat,
    bulk_update_holdings,
    create_api_key,
    create_strategy,
    get_read_session,
    get_write_session,
    queue_telegram_message,
    record_fill,
    replace_symbols,
    save_auth_token,
    save_telegram_chat,
    use_store,
)
from openalgo_store.engine.queries import Query
from openalgo_store.repositories.trading.books import BOOKS
from openalgo_store.tables import METADATA
from openalgo_store.tables.telemetry import (
    application_logs,
    latency_metrics,
    latency_writers,
    log_writers,
)
from openalgo_store.tables.trading import TradingTables
from tests.support.rows import MONDAY, ODD_NAMES, ODD_TEXTS, add_order, any_row, new_user, shares

PEPPER, KEY = "p" * 40, Fernet.generate_key().decode()
"""The secrets with which keys and tokens are made here."""


class Installed(NamedTuple):
    """What a user of it has."""

    user_id: int
    api_key: str
    access_token: str


def with_secrets(settings: Settings) -> Settings:
    """The same databases, and the secrets."""
    return replace(settings, api_key_pepper=PEPPER, token_encryption_keys=KEY)


def fill(store: Store) -> Installed:
    """Put rows into every table of the five databases of a store that has the secrets."""
    with use_store(store):
        user_id = new_user()
        key = create_api_key(user_id, "बजाज")
        save_auth_token(user_id, "zerodha", "access", "refresh", auth_data={"a": [1, None, 0.5]})
        create_strategy(user_id, ODD_NAMES[0], "python", config={"नाम": [True, {}]})
        replace_symbols(shares(50), "zerodha")
        for book in BOOKS:
            for number, text in enumerate(ODD_NAMES):
                add_order(user_id, text, symbol=f"S{number}", book=book)
                record_fill(text, f"T{number}", 60, 812.35 + number / 3, MONDAY, book=book)
            add_order(user_id, "last", book=book)
            adjust_position(
                user_id, "zerodha", "S1", "NSE", "CNC", 300, 160.01, "SPLIT",
                adjusted_at=MONDAY + timedelta(days=3), book=book,
            )  # fmt: skip
            holding = {"symbol": "SBIN", "exchange": "NSE", "quantity": 4, "average_price": 0.1}
            told = [holding | {"user_id": user_id, "broker": broker} for broker in ("a", "b")]
            bulk_update_holdings(told, book=book)
            with get_write_session(book.database) as tx:
                tables: TradingTables = book.tables
                tx.run(Query.of(delete(tables.orders).where(tables.orders.c.order_id == "last")))
                tx.run(Query.of(delete(tables.holdings).where(tables.holdings.c.broker == "b")))
        save_telegram_chat(-(2**40), user_id, "asha")
        authorize_telegram_chat(-(2**40))
        queue_telegram_message(-(2**40), "ORDER", "\n".join(ODD_TEXTS))
        for database, table in (
            ("latency", latency_metrics),
            ("latency", latency_writers),
            ("logs", application_logs),
            ("logs", log_writers),
        ):
            with get_write_session(database) as tx:
                tx.run(Query.of(insert(table).values(any_row(table))))
    return Installed(user_id, key.api_key, "access")


def rows_of(store: Store, database: str) -> dict[str, list[Any]]:
    """Every row of each table; but how often something changed, which each database counts."""
    with use_store(store), get_read_session(database, primary=True) as tx:
        return {
            table.name: tx.all(Query.of(select(table).order_by(*table.primary_key), tuple))
            for table in METADATA[database].sorted_tables
            if table.name != "cache_epochs"
        }
