"""Holdings: the shares that brokers report to lie in the demat account."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import JSON

from ...engine.transaction import Transaction
from ...errors import InvalidInput
from ...records.trading import Holding
from ...sessions import reading, writing
from ...values.arguments import true_or_false
from .books import LIVE, Book, BookSql, check_book
from .broker_reports import BrokerReport

_KEY = ("user_id", "broker", "symbol", "exchange")
_VALUES = ("isin", "quantity", "average_price", "last_price", "pnl", "pnl_percent")

_sql = BookSql("trading/holdings.sql", "holdings")
_get_holdings = _sql.query("get_holdings", Holding)
_open_holdings = _sql.command("open_holdings", rows=JSON())
_lock_holdings = _sql.query("lock_holdings", int)
_drop_holdings = _sql.command("drop_holdings", kept=JSON())
_update_holdings = _sql.command("update_holdings", rows=JSON())


def get_holdings(
    user_id: int, *, book: Book = LIVE, tx: Transaction | None = None
) -> list[Holding]:
    """The holdings of a user, by broker, symbol and exchange."""
    with reading(check_book(book).database, tx) as tx:
        return tx.all(_get_holdings[book], user_id=user_id)


def bulk_update_holdings(
    holdings_data: Iterable[Mapping[str, Any]],
    replace: bool = False,
    *,
    user_id: int | None = None,
    broker: str | None = None,
    force: bool = False,
    book: Book = LIVE,
    tx: Transaction | None = None,
) -> int:
    """Insert or update what a broker reports of holdings, all or none; how many rows were given.

    Each has the key (user_id, broker, symbol, exchange) and some of isin, quantity, average_price,
    last_price, pnl (in rupees), pnl_percent; what is absent or None stays. Without pnl and
    pnl_percent they follow from the rest.

    With `replace` the report is all that its user holds at its broker: what it lacks was sold and
    goes. An empty report is refused then, since most are a broker's failure; where it is true, pass
    force=True with the user_id and the broker that it is of. Raises InvalidInput, with the row's
    number, and Conflict for an unknown user (LIVE); nothing is written then.
    """
    report = BrokerReport(check_book(book).tables.holdings, _KEY, _VALUES, holdings_data)
    is_all = true_or_false("replace", replace)
    owners = _owners(report, user_id, broker, force=force) if is_all else []
    with writing(check_book(book).database, tx) as tx:
        for owner_id, at in owners:  # or one of two would update what the other drops meanwhile
            tx.lock(f"{book.prefix}holdings of {owner_id} at {at}")
        for rows in report.batches():
            tx.run(_open_holdings[book], rows=rows)
        for owner_id, at in owners:  # in the order in which an update locks them
            tx.all(_lock_holdings[book], user_id=owner_id, broker=at)
        for rows in report.batches():  # an insert that waits must hold no row of an update
            tx.run(_update_holdings[book], rows=rows)
        for owner in owners:
            kept = [row[2:4] for row in report.rows if tuple(row[:2]) == owner]
            tx.run(_drop_holdings[book], user_id=owner[0], broker=owner[1], kept=kept)
    return len(report.rows)


def _owners(
    report: BrokerReport, user_id: int | None, broker: str | None, *, force: bool
) -> list[tuple[int, str]]:
    """Whose holdings at which broker the report is all of, in order."""
    owners = {(row[0], row[1]) for row in report.rows}
    if report.rows and (user_id is None) is not (broker is None):
        raise InvalidInput("user_id and broker tell together whose holdings they are: give both")
    if user_id is not None and broker is not None:
        if not owners <= {(user_id, broker)}:
            raise InvalidInput("the report has rows of another user or broker: pass each its own")
        owners = {(user_id, broker)}
    if not report.rows and not (owners and true_or_false("force", force)):
        raise InvalidInput(
            "an empty report would take all holdings away: if nothing is held, pass force=True "
            "with user_id and broker"
        )
    return sorted(owners)
