"""What becomes of positions in the plain model: reports, adjustments, conversions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from openalgo_store import ConvertedPosition, InvalidInput, Position, PositionAdjustment
from tests.models.book_arithmetic import day_of, millionths, rupees
from tests.models.book_state import (
    POSITION_KEY,
    SECOND,
    BookState,
    Row,
    check,
    kept,
    report_by_place,
    stored,
)
from tests.models.position_model import Positions, Sums, agrees
from tests.models.position_model import Row as PositionRow


class PositionModel(BookState):
    """Its methods are called as the repository functions are and raise what they raise."""

    def bulk_update_positions(
        self, rows: Sequence[Row], reported_at: datetime | None = None
    ) -> list[PositionAdjustment]:
        report = report_by_place(POSITION_KEY, rows)
        self._refuse_if_failed()
        moment = self.now if reported_at is None else reported_at
        found = [self._report_position(p, report[p], moment) for p in sorted(report)]
        on_time = [each for late, each in found if each and not late]
        return on_time + [each for late, each in found if each and late]

    def _report_position(
        self, place: Any, given: dict[str, Any], moment: datetime
    ) -> tuple[bool, PositionAdjustment | None]:
        """Whether others have followed that moment, and the correction."""
        *where, product = place
        book = self._instrument(tuple(where))
        fills, day = self._fills_of(book), day_of(moment)
        row = book.rows.get(product)
        if row is None:
            row = book.rows[product] = PositionRow({day})
        last = max(book.tell(fills).days[product])
        adjusted = [
            each.adjusted_at for each in book.adjustments
            if product in (each.product, each.to_product) and day_of(each.adjusted_at) == last
        ]  # fmt: skip
        followed = any(each.at > moment for each in fills)
        late = last > day or max(adjusted, default=moment - SECOND) >= moment or followed
        price = given.get("last_price")
        correction = None
        if not late or "quantity" in given:
            days = book.tell(fills, moment).days[product]
            sums = Sums(**vars(days[max(days)])) if days else Sums()
            if not days or max(days) < day:
                sums.next_day()
            correction = self._correction(book, product, given, sums, moment, late)
            row.days.add(day)
        if price is not None:
            row.tell_price(moment, stored(price))
        self._settle(book)
        if late:
            return True, correction
        row.pnl = None
        if "pnl" in given:
            sums = book.tell(fills).days[product][day]
            row.pnl = day, Sums(**vars(sums)), rupees(millionths(given["pnl"]))
        return False, correction

    def _correction(
        self,
        book: Positions,
        product: Any,
        given: dict[str, Any],
        sums: Sums,
        moment: datetime,
        late: bool,
    ) -> PositionAdjustment | None:
        quantity = given.get("quantity", sums.quantity)
        average = given.get("average_price")
        average = None if average is None else stored(average)
        overnight = given.get("overnight_quantity")
        if overnight is None and "day_quantity" in given:
            overnight = quantity - given["day_quantity"]
        same_day = overnight is None or (not late and overnight == sums.overnight)
        if quantity and not sums.quantity and average is None:
            if given.get("last_price") is None:
                self.failed = True  # positions are opened by then
                raise InvalidInput
            average = stored(given["last_price"])
        if agrees(sums, quantity, average) and same_day:
            return None
        told = (moment, product, quantity, average, overnight)
        if late and any(
            each.kind == "REPORT"
            and (each.adjusted_at, each.product, each.quantity) == told[:3]
            and (each.average_price, each.overnight_quantity) == told[3:]
            for each in book.adjustments
        ):
            return None
        return self._adjust(
            book, product, "REPORT", moment, quantity, average, overnight, None, None, sums
        )

    def _adjust(
        self, book: Positions, product: Any, kind: Any, moment: datetime, quantity: int,
        average: float | None, overnight: int | None, to_product: Any, reason: str | None,
        sums: Sums,
    ) -> PositionAdjustment:  # fmt: skip
        book.numbers += 1
        adjustment = PositionAdjustment(
            book.numbers, **book.place, product=product, kind=kind, adjusted_at=moment,
            quantity=quantity, average_price=average, overnight_quantity=overnight,
            to_product=to_product, reason=reason, quantity_before=sums.quantity,
            average_before=kept(sums.average),
        )  # fmt: skip
        book.adjustments.append(adjustment)
        return adjustment._replace(id=0)

    def adjust_position(
        self, user_id: int, broker: str, symbol: str, exchange: str, product: Any, quantity: int,
        average_price: float, reason: str, adjusted_at: datetime,
    ) -> Position:  # fmt: skip
        check(1, average_price)
        self._refuse_if_failed()
        book = self._instrument((user_id, broker, symbol, exchange))
        known = ("ADJUSTMENT", adjusted_at, product, quantity, stored(average_price))
        if any(
            (e.kind, e.adjusted_at, e.product, e.quantity, e.average_price) == known
            for e in book.adjustments
        ):
            return self._position(book, product)
        row = book.rows.setdefault(product, PositionRow())
        row.tell_price(adjusted_at, None)
        self._adjust(
            book, product, "ADJUSTMENT", adjusted_at, quantity, stored(average_price), None,
            None, reason, Sums(),
        )  # fmt: skip
        self._settle(book)
        return self._position(book, product)

    def convert_position(
        self, user_id: int, broker: str, symbol: str, exchange: str, from_product: Any,
        to_product: Any, quantity: int, converted_at: datetime,
    ) -> ConvertedPosition:  # fmt: skip
        check(quantity)
        if from_product == to_product:
            raise InvalidInput
        self._refuse_if_failed()
        book = self._instrument((user_id, broker, symbol, exchange))
        fills, day = self._fills_of(book), day_of(converted_at)
        if not any(
            (e.kind, e.adjusted_at, e.product, e.to_product, abs(e.quantity))
            == ("CONVERSION", converted_at, from_product, to_product, quantity)
            for e in book.adjustments
        ):
            days = book.tell(fills, converted_at).days[from_product]
            held = days[max(days)].quantity if days else 0
            if abs(held) < quantity:
                raise InvalidInput
            for product in (from_product, to_product):
                book.rows.setdefault(product, PositionRow()).days.add(day)
            self._adjust(
                book, from_product, "CONVERSION", converted_at,
                quantity if held > 0 else -quantity, None, None, to_product, None, Sums(),
            )  # fmt: skip
            self._settle(book)
        positions = (self._position(book, each) for each in (from_product, to_product))
        return ConvertedPosition(*positions)
