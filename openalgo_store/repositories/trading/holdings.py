"""Holdings: the shares that brokers report to lie in the demat account."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import JSON

from ...engine.transaction import Transaction
from ...records.trading import Holding
from ...sessions import reading, writing
from .books import LIVE, Book, BookSql, check_book
from .broker_reports import BrokerReport

_KEY = ("user_id", "broker", "symbol", "exchange")
_VALUES = ("isin", "quantity", "average_price", "last_price", "pnl", "pnl_percent")

_sql = BookSql("trading/holdings.sql", "holdings")
_get_holdings = _sql.query("get_holdings", Holding)
_open_holdings = _sql.command("open_holdings", rows=JSON())
_update_holdings = _sql.command("update_holdings", rows=JSON())


def get_holdings(
    user_id: int, *, book: Book = LIVE, tx: Transaction | None = None
) -> list[Holding]:
    """The holdings of a user, by broker, symbol and exchange."""
    with reading(check_book(book).database, tx) as tx:
        return tx.all(_get_holdings[book], user_id=user_id)


def bulk_update_holdings(
    holdings_data: Iterable[Mapping[str, Any]],
    *,
    book: Book = LIVE,
    tx: Transaction | None = None,
) -> int:
    """Insert or update what a broker reports of holdings, all or none; how many rows were given.

    Each has the key (user_id, broker, symbol, exchange) and some of isin, quantity, average_price,
    last_price, pnl (in rupees), pnl_percent; what is absent or None stays. Without pnl and
    pnl_percent they follow from the rest. Raises InvalidInput, with the row's number, and Conflict
    for an unknown user (LIVE); nothing is written then.
    """
    report = BrokerReport(check_book(book).tables.holdings, _KEY, _VALUES, holdings_data)
    with writing(check_book(book).database, tx) as tx:
        for rows in report.batches():
            tx.run(_open_holdings[book], rows=rows)
        for rows in report.batches():  # an insert that waits must hold no row of an update
            tx.run(_update_holdings[book], rows=rows)
    return len(report.given)
