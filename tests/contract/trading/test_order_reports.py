"""Orders as brokers have them: two of one number, changed elsewhere, told cumulatively, expired."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from openalgo_store import (
    Book,
    Conflict,
    IllegalOrderState,
    InvalidInput,
    NotFound,
    Order,
    Position,
    Store,
    adjust_position,
    bulk_update_positions,
    convert_position,
    create_order,
    get_daily_pnl,
    get_open_orders,
    get_order,
    get_position_history,
    get_positions,
    get_trades,
    get_write_session,
    import_trade,
    record_fill,
    report_order,
    update_order,
    update_order_status,
)
from openalgo_store.operations.checking import check_books
from tests.support.rows import MONDAY, add_order, both_books, order_row, trade_row

NOON = MONDAY + timedelta(hours=2)

pytestmark = both_books


def told(user: int, order_id: str, *, book: Book, **changes: Any) -> Order:
    """The order after a row of the broker's order book: 100 shares to be bought, at noon."""
    row = order_row(user, order_id, status="OPEN", reported_at=NOON) | changes
    return report_order(**row, book=book)


def position(user: int, book: Book) -> Position:
    (found,) = get_positions(user, day=MONDAY.date(), book=book)
    return found


def filled(order: Order) -> tuple[str, int, float | None]:
    return order.status, order.fill_quantity, order.fill_price


def test_two_brokers_have_an_order_of_one_number(store: Store, user: int, book: Book) -> None:
    add_order(user, "260302000000001", broker="zerodha", book=book)
    add_order(user, "260302000000001", broker="kotak", book=book)
    for asked in (
        lambda: get_order("260302000000001", book=book),
        lambda: update_order("260302000000001", price=1.0, book=book),
        lambda: update_order_status("260302000000001", "CANCELLED", book=book),
        lambda: record_fill("260302000000001", "T", 1, 1.0, MONDAY, book=book),
    ):
        with pytest.raises(Conflict, match="kotak, zerodha"):
            asked()
    fill = record_fill("260302000000001", "T", 10, 812.0, MONDAY, broker="kotak", book=book)
    assert fill.position is not None
    assert fill.position.broker == "kotak"
    record_fill("260302000000001", "T", 20, 813.0, MONDAY, broker="zerodha", book=book)
    update_order("260302000000001", quantity=40, broker="zerodha", book=book)
    update_order_status("260302000000001", "CANCELLED", broker="zerodha", book=book)
    kotak = get_order("260302000000001", broker="kotak", book=book)
    zerodha = get_order("260302000000001", broker="zerodha", book=book)
    assert kotak is not None
    assert zerodha is not None
    assert (kotak.quantity, kotak.fill_quantity, kotak.status) == (100, 10, "OPEN")
    assert (zerodha.quantity, zerodha.fill_quantity, zerodha.status) == (40, 20, "CANCELLED")
    assert get_order("260302000000001", broker="angel", book=book) is None
    with pytest.raises(NotFound, match="at angel"):
        record_fill("260302000000001", "T", 10, 812.0, MONDAY, broker="angel", book=book)


def test_an_order_raised_in_the_brokers_app_takes_what_is_filled_then(
    store: Store, user: int, book: Book
) -> None:
    add_order(user, "A", book=book)
    record_fill("A", "1", 100, 812.0, MONDAY, book=book)
    raised = told(user, "A", quantity=150, filled_quantity=100, average_price=812.0, book=book)
    assert filled(raised) == ("OPEN", 100, 812.0)
    assert filled(record_fill("A", "2", 50, 815.0, NOON, book=book).order) == (
        "COMPLETE",
        150,
        813.0,
    )
    assert position(user, book).quantity == 150


def test_a_fill_that_overtakes_the_report_of_the_change_is_booked(
    store: Store, user: int, book: Book
) -> None:
    add_order(user, "A", book=book)
    record_fill("A", "1", 100, 812.0, MONDAY, book=book)
    assert record_fill("A", "2", 50, 815.0, NOON, book=book).order.fill_quantity == 150
    after = told(user, "A", quantity=150, filled_quantity=150, average_price=813.0, book=book)
    assert filled(after) == ("COMPLETE", 150, 813.0)
    assert position(user, book).quantity == 150


@pytest.mark.parametrize("elsewhere", [True, False])
def test_an_order_lowered_to_what_is_filled_is_complete(
    store: Store, user: int, book: Book, elsewhere: bool
) -> None:
    add_order(user, "A", book=book)
    record_fill("A", "1", 60, 812.0, MONDAY, book=book)
    if elsewhere:
        order = told(user, "A", quantity=60, filled_quantity=60, average_price=812.0, book=book)
    else:
        order = update_order("A", quantity=60, book=book)
    assert (order.status, order.quantity) == ("COMPLETE", 60)
    with pytest.raises(InvalidInput, match="60 filled"):
        update_order("A", quantity=59, book=book) if order.status == "OPEN" else _reopened(book)


def _reopened(book: Book) -> None:
    assert update_order("A", quantity=61, book=book).status == "OPEN"
    update_order("A", quantity=59, book=book)


def test_an_open_order_may_wait_for_its_trigger_again_and_expire(
    store: Store, user: int, book: Book
) -> None:
    add_order(user, "A", book=book)
    update_order("A", order_type="SL", trigger_price=810.0, product="MIS", book=book)
    assert update_order_status("A", "TRIGGER_PENDING", book=book).status == "TRIGGER_PENDING"
    expired = update_order_status("A", "EXPIRED", "the day is over", book=book)
    assert (expired.status, expired.status_message) == ("EXPIRED", "the day is over")
    assert get_open_orders(user, book=book) == []
    with pytest.raises(IllegalOrderState):
        update_order_status("A", "OPEN", book=book)
    assert filled(record_fill("A", "1", 5, 812.0, MONDAY, book=book).order) == ("EXPIRED", 5, 812.0)


def test_why_which_strategy_and_the_exchanges_own_number_are_kept(
    store: Store, user: int, book: Book
) -> None:
    row = order_row(user, "A", strategy="opening range", exchange_order_id="1100000012345678")
    order = create_order(**row, book=book)
    assert (order.strategy, order.exchange_order_id) == ("opening range", "1100000012345678")
    order = told(user, "A", status="REJECTED", status_message="RMS: margin exceeds", book=book)
    assert (order.status, order.status_message) == ("REJECTED", "RMS: margin exceeds")
    assert (order.strategy, order.exchange_order_id) == ("opening range", "1100000012345678")


def test_an_order_placed_in_the_brokers_app_becomes_ours(
    store: Store, user: int, book: Book
) -> None:
    order = told(user, "A", filled_quantity=40, average_price=812.5, product="MTF", book=book)
    assert filled(order) == ("OPEN", 40, 812.5)
    assert order.placed_at == MONDAY
    held = position(user, book)
    assert (held.product, held.quantity, held.average_price) == ("MTF", 40, 812.5)


TRADES = [("1", 30, 812.0), ("2", 10, 814.0), ("3", 60, 815.0)]


@pytest.mark.parametrize("first", ["reports", "trades", "between"])
def test_cumulative_reports_and_single_trades_count_once_in_any_order(
    store: Store, user: int, book: Book, first: str
) -> None:
    def report(quantity: int, average_price: float, minutes: int) -> None:
        at = MONDAY + timedelta(minutes=minutes)
        told(
            user, "A", filled_quantity=quantity, average_price=average_price,
            status="COMPLETE" if quantity == 100 else "OPEN", reported_at=at, book=book,
        )  # fmt: skip

    def trade(number: int) -> None:
        name, quantity, price = TRADES[number]
        record_fill("A", name, quantity, price, MONDAY + timedelta(seconds=number), book=book)

    def trades() -> None:
        for number in range(3):
            trade(number)

    if first == "reports":
        report(40, 812.5, 1)
        report(100, 814.0, 2)
        report(40, 812.5, 1)
        trades()
    elif first == "trades":
        add_order(user, "A", book=book)
        trades()
        report(100, 814.0, 2)
        report(40, 812.5, 1)
    else:
        report(40, 812.5, 1)
        trade(0)
        trade(0)
        report(100, 814.0, 2)
        trade(2)
        trade(1)
    order = get_order("A", book=book)
    assert order is not None
    assert filled(order) == ("COMPLETE", 100, 814.0)
    held = position(user, book)
    assert (held.quantity, held.average_price, held.buy_value) == (100, 814.0, 81_400_000_000)
    assert len(get_trades(user, book=book)) == 3
    assert get_daily_pnl(user, MONDAY.date(), book=book).turnover == 81_400.0


def test_a_late_report_tells_of_fills_and_of_nothing_else(
    store: Store, user: int, book: Book
) -> None:
    told(user, "A", status="CANCELLED", status_message="by the user", book=book)
    late = told(
        user, "A", quantity=200, price=1.0, filled_quantity=10, average_price=812.0,
        reported_at=MONDAY, book=book,
    )  # fmt: skip
    assert filled(late) == ("CANCELLED", 10, 812.0)
    assert (late.quantity, late.price, late.status_message) == (100, 812.35, "by the user")


def test_a_fill_without_a_price_is_refused_and_booked_when_it_has_one(
    store: Store, user: int, book: Book
) -> None:
    add_order(user, "A", book=book)
    with pytest.raises(InvalidInput, match="price"):
        record_fill("A", "1", 10, 0.0, MONDAY, book=book)
    with pytest.raises(InvalidInput, match="price"):
        told(user, "A", filled_quantity=10, average_price=0.0, book=book)
    with pytest.raises(InvalidInput, match="price"):
        import_trade(**trade_row(user, "1", price=0.0), book=book)
    assert record_fill("A", "1", 10, 812.5, MONDAY, book=book).recorded


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"filled_quantity": 101, "average_price": 1.0}, "from 0 to the quantity, 100"),
        ({"filled_quantity": -1, "average_price": 1.0}, "from 0 to the quantity, 100"),
        ({"filled_quantity": 10}, "needs average_price"),
        ({"filled_quantity": 10, "average_price": 1.0, "status": "REJECTED"}, "CANCELLED"),
        ({"status": "DONE"}, "status must be one of"),
        ({"exchange": "nse"}, "exchange must be one of"),
        ({"symbol": " SBIN"}, "symbol has blanks around it"),
        ({"broker": "zerodha "}, "broker has blanks around it"),
        ({"order_id": " A"}, "order_id has blanks around it"),
        ({"reported_at": datetime(2026, 3, 2, 9)}, "time zone"),
    ],
)
def test_a_report_that_cannot_be_is_refused(
    store: Store, user: int, book: Book, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidInput, match=says):
        report_order(**order_row(user, "A", status="OPEN") | changes, book=book)
    assert get_order("A", book=book) is None


def test_a_report_of_another_order_is_refused(store: Store, user: int, book: Book) -> None:
    add_order(user, "A", book=book)
    for changes in ({"symbol": "INFY"}, {"action": "SELL"}, {"user_id": user + 1}):
        with pytest.raises(Conflict, match=next(iter(changes))):
            told(user, "A", **changes, book=book)
    record_fill("A", "1", 10, 812.0, MONDAY, book=book)
    with pytest.raises(IllegalOrderState) as raised:
        told(user, "A", status="REJECTED", book=book)
    assert (raised.value.order_id, raised.value.status) == ("A", "OPEN")


@pytest.mark.parametrize(
    "changes", [{"exchange": "nse"}, {"symbol": " RELIANCE "}, {"broker": " zerodha"}]
)
def test_names_that_would_make_an_instrument_of_their_own_are_refused(
    store: Store, user: int, book: Book, changes: dict[str, str]
) -> None:
    with pytest.raises(InvalidInput):
        create_order(**order_row(user, "A") | changes, book=book)
    with pytest.raises(InvalidInput):
        import_trade(**trade_row(user, "T") | changes, book=book)


def test_what_was_told_first_stays_where_it_was_when_more_is_told(
    store: Store, user: int, book: Book
) -> None:
    """Between the two reports the first part is converted, split, corrected, or a day is over."""
    ten, eleven, twelve = (MONDAY + timedelta(hours=hours) for hours in (1, 2, 3))

    def tell(symbol: str, filled: int, average: float, at: datetime, **more: Any) -> None:
        told(
            user, f"R-{symbol}", symbol=symbol, product="MIS", filled_quantity=filled,
            average_price=average, reported_at=at, book=book, **more,
        )  # fmt: skip

    place: dict[str, Any] = {"user_id": user, "broker": "zerodha", "exchange": "NSE"}
    for symbol in ("CONVERTED", "CORRECTED", "SPLIT", "CARRIED"):
        tell(symbol, 50, 100.0, ten)
    convert_position(
        **place, symbol="CONVERTED", from_product="MIS", to_product="CNC", quantity=50,
        converted_at=eleven, book=book,
    )  # fmt: skip
    row = place | {"symbol": "CORRECTED", "product": "MIS", "quantity": 60, "average_price": 100.0}
    bulk_update_positions([row], reported_at=eleven, book=book)
    adjust_position(
        **place, symbol="SPLIT", product="MIS", quantity=250, average_price=20.0, reason="split",
        adjusted_at=eleven, book=book,
    )  # fmt: skip
    add_order(user, "S", symbol="CARRIED", product="MIS", action="SELL", quantity=50, book=book)
    record_fill("S", "1", 50, 110.0, eleven, book=book)
    for symbol in ("CONVERTED", "CORRECTED", "SPLIT"):
        tell(symbol, 100, 101.0, twelve)
    tell("CARRIED", 100, 100.0, twelve + timedelta(days=1))
    tell("CARRIED", 50, 100.0, ten)
    tuesday = (MONDAY + timedelta(days=1)).date()
    found = {
        (each.symbol, each.product): (each.quantity, each.average_price, each.realized_pnl)
        for each in get_positions(user, day=tuesday, book=book)
    }
    assert found == {
        ("CONVERTED", "CNC"): (50, 100.0, 0.0),
        ("CONVERTED", "MIS"): (50, 102.0, 0.0),
        ("CORRECTED", "MIS"): (110, pytest.approx(11_100 / 110), 0.0),
        ("SPLIT", "MIS"): (300, pytest.approx(10_100 / 300), 0.0),
        ("CARRIED", "MIS"): (50, 100.0, 500.0),
    }
    history = get_position_history(user, MONDAY.date(), tuesday, book=book)
    carried = [(each.quantity, each.realized_pnl) for each in history if each.symbol == "CARRIED"]
    assert carried == [(0, 500.0), (50, 0.0)]
    assert list(check_books()) == []


def test_a_report_that_is_refused_leaves_nothing_in_the_callers_session(
    store: Store, user: int, book: Book
) -> None:
    with get_write_session(book.database) as tx:
        for wrong in ({"status_message": "x" * 1001}, {"exchange_order_id": "x" * 51}):
            row = order_row(user, "A", status="OPEN") | wrong
            with pytest.raises(InvalidInput):
                report_order(**row, filled_quantity=5, average_price=9.5, book=book, tx=tx)
    assert get_order("A", book=book) is None


def test_a_rejected_order_takes_no_fill_of_an_older_report(
    store: Store, user: int, book: Book
) -> None:
    told(user, "A", status="REJECTED", book=book)
    with pytest.raises(IllegalOrderState):
        told(user, "A", filled_quantity=60, average_price=9.5, reported_at=MONDAY, book=book)
    assert get_positions(user, book=book) == []


def test_trades_of_an_id_of_two_brokers_are_asked_for_with_the_broker(
    store: Store, user: int, book: Book
) -> None:
    for broker in ("zerodha", "kotak"):
        add_order(user, "A", broker=broker, book=book)
        record_fill("A", "1", 10, 812.0, MONDAY, broker=broker, book=book)
    with pytest.raises(Conflict, match="kotak, zerodha"):
        get_trades(user, order_id="A", book=book)
    (trade,) = get_trades(user, order_id="A", broker="kotak", book=book)
    assert trade.broker == "kotak"
