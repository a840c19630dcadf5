"""A user's book as a plain program would keep it: exact whole numbers, no database."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from openalgo_store import (
    DailyPnl,
    Holding,
    Order,
    Position,
    PositionAdjustment,
    PositionDay,
    SymbolPnl,
    Trade,
)
from tests.models.book_arithmetic import day_of, rupees, sums_of, symbol_pnl
from tests.models.book_state import HOLDING_KEY, Row, as_stored, kept, report_by_place
from tests.models.order_model import OrderModel
from tests.models.position_reports import PositionModel


class BookModel(OrderModel, PositionModel):
    """The whole book; its methods are called as the repository functions are."""

    def bulk_update_holdings(self, rows: Sequence[Row]) -> int:
        report = report_by_place(HOLDING_KEY, rows)
        self._refuse_if_failed()
        for place, given in report.items():
            new = Holding._make((0, *place, None, 0, None, None, None, None))
            now = self.holdings.get(place, new)
            now = now._replace(**{name: as_stored(name, given[name]) for name in given})
            if now.average_price is not None and now.last_price is not None:
                gain = now.last_price - now.average_price
                if "pnl" not in given:
                    now = now._replace(pnl=now.quantity * gain)
                if "pnl_percent" not in given and now.average_price:
                    now = now._replace(pnl_percent=gain * 100 / now.average_price)
            self.holdings[place] = now
        return len(report)

    # What is seen

    def order_history(self) -> list[Order]:
        """Newest first; of two at one moment, the one that was made later."""
        return sorted(self.orders.values(), key=lambda order: order.placed_at)[::-1]

    def trade_history(self) -> list[Trade]:
        return sorted(self.trades.values(), key=lambda trade: trade.traded_at)

    def get_positions(self, day: date) -> list[Position]:
        books = [self.instruments[place] for place in sorted(self.instruments)]
        return [p for book in books for p in book.seen_positions(self._fills_of(book), day)]

    def get_position_history(self) -> list[PositionDay]:
        books = self.instruments.values()
        days = [day for book in books for day in book.seen_days(self._fills_of(book))]
        return sorted(
            days, key=lambda e: (e.trading_day, e.broker, e.symbol, e.exchange, e.product)
        )

    def get_position_adjustments(self) -> list[PositionAdjustment]:
        """By time; of those of one moment in any order."""
        found = []
        for book in self.instruments.values():
            told = book.tell(self._fills_of(book))
            for each in book.adjustments:
                quantity, average = told.found[each.id]
                each = each._replace(quantity=told.moved.get(each.id, each.quantity))
                each = each._replace(id=0, quantity_before=quantity)
                found.append(each._replace(average_before=kept(average)))
        return sorted(found, key=by_time)

    def get_holdings(self) -> list[Holding]:
        return [held for _, held in sorted(self.holdings.items())]

    def get_daily_pnl(self, day: date) -> DailyPnl:
        _, bought, _, sold = sums_of(self._trades_of(day))
        return DailyPnl(rupees(bought + sold), rupees(sold - bought))

    def get_daily_pnl_by_symbol(self, day: date) -> list[SymbolPnl]:
        of_symbol = defaultdict(list)
        for trade in self._trades_of(day):
            of_symbol[trade.symbol, trade.exchange].append(trade)
        return [symbol_pnl(*each, *sums_of(of_symbol[each])) for each in sorted(of_symbol)]

    def _trades_of(self, day: date) -> list[Trade]:
        return [trade for trade in self.trades.values() if day_of(trade.traded_at) == day]


def by_time(adjustment: PositionAdjustment) -> tuple[Any, ...]:
    return adjustment.adjusted_at, adjustment.broker, str(adjustment)
