"""Sequences of what can be done with a book, right and wrong, for hypothesis to draw."""

from datetime import UTC, date, datetime
from math import nan
from typing import Any, NamedTuple

from hypothesis import strategies as st

NOW = datetime(2026, 7, 1, 4, 30, tzinfo=UTC)
"""When all of it happens: 10:00 in India."""
DAYS = [date(2026, 6, 30), date(2026, 7, 1), date(2026, 7, 2)]
AFFORDABLE = 10**16
"""A value, in millionths of a rupee, of which a day holds any number."""
PLACE = ("broker", "symbol", "exchange", "product")

Values = dict[str, Any]


class Step(NamedTuple):
    """One operation and its arguments."""

    name: str
    arguments: Values


class Block(NamedTuple):
    """Steps in one transaction, or in a savepoint of the block around them."""

    steps: "list[Step | Block]"
    ends_in_error: bool


MOMENTS = st.sampled_from(
    [
        datetime(2026, 7, 1, 9, 59, 59, 1, tzinfo=UTC),
        datetime(2026, 6, 30, 4, 0, tzinfo=UTC),
        datetime(2026, 6, 30, 18, 29, 59, 999_999, tzinfo=UTC),
        datetime(2026, 6, 30, 18, 30, tzinfo=UTC),
        datetime(2026, 7, 2, 3, 45, tzinfo=UTC),
    ]
)
QUANTITIES = st.sampled_from([1, 2, 5, 5, 5, 10]) | st.integers(1, 10**6)
COUNTS = st.integers(-(10**6), 10**6)
TICKS = st.integers(-200, 100_000).map(lambda ticks: ticks / 20)
PRICES = (
    TICKS
    | st.integers(-(10**9), 10**12).map(lambda value: value / 1_000_000)
    | st.floats(-1000, 1000)  # more than six decimals
    | st.sampled_from([1e9, -1e9, 999_999_999.999999, 0.0, 0.0078125, 1.0000005])
)
AMOUNTS = st.none() | PRICES
ACTIONS = st.sampled_from(["BUY", "SELL"])
PRODUCTS = st.sampled_from(["MIS", "CNC"])
PLACES = st.builds(
    lambda where, product: where | {"product": product},
    st.sampled_from(
        [
            {"broker": "zerodha", "symbol": "SBIN", "exchange": "NSE"},
            {"broker": "zerodha", "symbol": "SBIN", "exchange": "BSE"},
            {"broker": "angel", "symbol": "SBIN", "exchange": "NSE"},
            {"broker": "angel", "symbol": "M&M-É", "exchange": "NSE"},
        ]
    ),
    PRODUCTS,
)
"""Where a position can be."""

ORDERS = st.fixed_dictionaries(
    {
        "action": ACTIONS,
        "quantity": st.sampled_from([10, 10, 15, 3 * 10**6]),
        "order_type": st.sampled_from(["MARKET", "LIMIT", "SL", "SL-M"]),
        "price": AMOUNTS,
        "trigger_price": AMOUNTS,
        "status": st.sampled_from(["OPEN", "OPEN", "OPEN", "OPEN", "TRIGGER_PENDING", "REJECTED"]),
        "placed_at": MOMENTS,
    }
)


def _affordable(execution: Values) -> Values:
    most = AFFORDABLE // (abs(round(execution["price"] * 1_000_000)) + 1)
    return execution | {"quantity": min(execution["quantity"], max(1, most))}


EXECUTIONS = st.fixed_dictionaries(
    {
        "trade_id": st.sampled_from(["1", "2", "3", "4"]),
        "quantity": QUANTITIES,
        "price": PRICES,
        "traded_at": MOMENTS,
    }
).map(_affordable)
HUGE = st.sampled_from([1, 2, 3]).map(
    lambda day: {
        "trade_id": f"huge {day}",
        "quantity": 1,
        "price": 2.2e12,
        "traded_at": NOW.replace(day=day),
    }
)
"""Two of these make a position as big as it can get."""
WRONG = st.sampled_from([{"quantity": 0}, {"price": nan}, {"quantity": 10**6, "price": 1e9}])
"""What no trade can have."""
OTHER = st.sampled_from([{"quantity": 1}, {"price": 1.05}])
"""What makes a trade another one."""
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "quantity": QUANTITIES,
        "price": AMOUNTS,
        "order_type": st.just("LIMIT"),
        "product": PRODUCTS,
    },
)
STATUSES = ["CANCELLED", "EXPIRED", "COMPLETE", "REJECTED", "OPEN", "TRIGGER_PENDING"]
MOVES = st.sampled_from([*STATUSES, "GONE"])
TOLD = st.fixed_dictionaries(
    {
        "quantity": st.sampled_from([10, 10, 15, 3 * 10**6]),
        "filled_quantity": st.sampled_from([0, 1, 5, 10, 11]),
        "average_price": AMOUNTS,
        "status": st.sampled_from(STATUSES),
        "reported_at": MOMENTS,
    }
)
"""What a broker tells of an order."""
ADJUSTED = st.fixed_dictionaries(
    {
        "quantity": st.integers(-20, 20),
        "average_price": PRICES,
        "reason": st.just("split"),
        "adjusted_at": MOMENTS,
    }
)
CONVERTED = st.fixed_dictionaries(
    {
        "from_product": PRODUCTS,
        "to_product": PRODUCTS,
        "quantity": st.sampled_from([1, 2, 5]),
        "converted_at": MOMENTS,
    }
)
REPORTED = {"average_price": AMOUNTS, "last_price": AMOUNTS, "pnl": AMOUNTS, "quantity": COUNTS}
POSITIONS = st.fixed_dictionaries(
    {}, optional={**REPORTED, "day_quantity": st.none() | COUNTS, "overnight_quantity": COUNTS}
)
HOLDINGS = st.fixed_dictionaries(
    {}, optional={**REPORTED, "pnl_percent": AMOUNTS, "isin": st.sampled_from(["INE1", "INE2"])}
)


@st.composite
def sequences(draw: st.DrawFn) -> "list[Step | Block]":
    """Orders and a dozen or more steps; there are few orders, places and executions: they meet."""
    traded = st.sampled_from(draw(st.lists(PLACES, min_size=1, max_size=2)))
    orders = [_joined(draw(traded), draw(ORDERS), order_id=order_id) for order_id in "ABC"]
    order = st.sampled_from(orders)
    order_id = st.sampled_from(["A", "A", "A", "B", "B", "B", "C", "unknown"])
    place = traded | PLACES
    execution = st.sampled_from(draw(st.lists(EXECUTIONS, min_size=2, max_size=6)))
    slip = st.builds(dict.__or__, execution, WRONG | OTHER)

    fill = st.builds(_joined, _weighted((execution, 10), (HUGE, 2), (slip, 2)), order_id=order_id)
    any_trade = st.builds(_joined, execution, place, order_id=st.none() | order_id, action=ACTIONS)
    trade = any_trade | st.builds(_trade_of, execution, order)
    step = _weighted(
        (_step("record_fill", fill), 8),
        (_step("create_order", order), 1),
        (_step("update_order_status", st.builds(_joined, order_id=order_id, status=MOVES)), 1),
        (_step("update_order", st.builds(_joined, CHANGES, order_id=order_id)), 2),
        (_step("import_trade", trade), 2),
        (_report("bulk_update_positions", place, POSITIONS, reported_at=st.none() | MOMENTS), 3),
        (_step("report_order", st.builds(_joined, order.map(_known), TOLD)), 2),
        (_step("adjust_position", st.builds(_joined, place, ADJUSTED)), 1),
        (_step("convert_position", st.builds(_joined, place.map(_without_product), CONVERTED)), 2),
        (_report("bulk_update_holdings", place.map(_without_product), HOLDINGS), 1),
    )
    savepoint = _block(step, most=3)
    transaction = _block(_weighted((step, 2), (savepoint, 1)), most=6)
    rest = st.lists(_weighted((step, 3), (transaction, 1)), min_size=10, max_size=20)
    return [Step("create_order", each) for each in orders[:2]] + draw(rest)


def _weighted(*choices: "tuple[st.SearchStrategy[Any], int]") -> "st.SearchStrategy[Any]":
    """One of them, each as often as its number says."""
    strategies = [strategy for strategy, weight in choices for _ in range(weight)]
    return st.sampled_from(strategies).flatmap(lambda chosen: chosen)


def _block(step: "st.SearchStrategy[Any]", most: int) -> "st.SearchStrategy[Block]":
    return st.builds(Block, st.lists(step, min_size=1, max_size=most), st.booleans())


def _trade_of(execution: Values, order: Values) -> Values:
    names = ("order_id", "broker", "symbol", "exchange", "product", "action")
    return {**execution, **{name: order[name] for name in names}}


def _joined(*parts: Values, **values: Any) -> Values:
    """One dict of them all."""
    return {name: part[name] for part in (*parts, values) for name in part}


def _step(name: str, arguments: "st.SearchStrategy[Values]") -> "st.SearchStrategy[Step]":
    return st.builds(Step, st.just(name), arguments)


def _report(
    name: str,
    place: "st.SearchStrategy[Values]",
    values: "st.SearchStrategy[Values]",
    **rest: "st.SearchStrategy[Any]",
) -> "st.SearchStrategy[Step]":
    row = st.builds(_joined, place, values)
    rows = st.lists(row, min_size=1, max_size=4, unique_by=lambda row: str(_place_of(row)))
    return _step(name, st.fixed_dictionaries({"rows": rows, **rest}))


def _known(order: Values) -> Values:
    """An order as its broker may have it: what is told of it comes on top."""
    return {name: value for name, value in order.items() if name != "status"}


def _place_of(values: Values) -> Values:
    return {name: values[name] for name in PLACE if name in values}


def _without_product(place: Values) -> Values:
    return {name: place[name] for name in place if name != "product"}
