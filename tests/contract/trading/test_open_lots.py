"""The pass over what happened, without a database: conversions, splits, reports between trades."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openalgo_store import RealizedLot
from openalgo_store.records.trading import Product
from openalgo_store.repositories.trading.open_lots import (
    Converted,
    Event,
    Lot,
    OpenLots,
    Reported,
    Scaled,
    Traded,
)

SBIN = ("zerodha", "SBIN", "NSE")
BEGIN = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def on(day: int) -> datetime:
    return BEGIN + timedelta(days=day)


def traded(day: int, units: int, price: float, product: Product = "CNC") -> Traded:
    """Units bought, or sold where they are less than 0; the trade has the number of its day."""
    value = abs(units) * round(price * 1_000_000)
    return Traded(on(day), *SBIN, product, Lot(on(day), day + 1, units, value))


def converted(day: int, quantity: int, source: Product = "MIS", to: Product = "CNC") -> Converted:
    return Converted(on(day), *SBIN, source, to, quantity)


def told(events: list[Event]) -> list[tuple[object, ...]]:
    """Of each lot its product, side, quantity, entry, prices, profit and days."""
    return [
        (lot.product, lot.side, lot.quantity, lot.entry_trade_id, lot.entry_price,
         lot.exit_price, lot.pnl, lot.holding_days)
        for lot in OpenLots().realize(events)
    ]  # fmt: skip


# Conversions


def test_converted_units_keep_their_entry_and_are_no_trade() -> None:
    events: list[Event] = [traded(0, 10, 800.0, "MIS"), converted(0, 10), traded(1, -10, 820.0)]
    assert told(events) == [("CNC", "LONG", 10, 1, 800.0, 820.0, 200.0, 1)]


def test_a_part_is_converted_twice_the_oldest_units_first() -> None:
    events: list[Event] = [
        *(traded(0, 10, 100.0, "MIS"), traded(1, 20, 110.0, "MIS")),
        *(converted(2, 4), converted(2, 11)),
        *(traded(3, -15, 120.0), traded(4, -15, 130.0, "MIS")),
    ]
    assert told(events) == [
        ("CNC", "LONG", 4, 1, 100.0, 120.0, 80.0, 3),
        ("CNC", "LONG", 6, 1, 100.0, 120.0, 120.0, 3),
        ("CNC", "LONG", 5, 2, 110.0, 120.0, 50.0, 2),
        ("MIS", "LONG", 15, 2, 110.0, 130.0, 300.0, 3),
    ]


def test_a_short_is_converted_as_one() -> None:
    events: list[Event] = [
        traded(0, -10, 100.0, "MIS"),
        converted(0, 6, to="NRML"),
        traded(2, 6, 90.0, "NRML"),
    ]
    assert told(events) == [("NRML", "SHORT", 6, 1, 100.0, 90.0, 60.0, 2)]


def test_converted_units_stand_among_the_others_by_their_entries() -> None:
    events: list[Event] = [
        *(traded(0, 5, 100.0, "MIS"), traded(1, 5, 101.0), traded(2, 5, 102.0, "MIS")),
        *(converted(3, 10), traded(4, -15, 110.0)),
    ]
    assert [(lot[2], lot[3]) for lot in told(events)] == [(5, 1), (5, 2), (5, 3)]


def test_converted_units_that_meet_the_other_side_are_realised_then() -> None:
    events: list[Event] = [traded(0, 10, 100.0, "MIS"), traded(1, -10, 120.0), converted(3, 10)]
    (lot,) = OpenLots().realize(events)
    assert lot == RealizedLot(*SBIN, "CNC", 10, "LONG", 1, on(0), 100.0, 2, on(3), 120.0, 200.0, 3)


def test_no_more_is_converted_than_is_open() -> None:
    events: list[Event] = [traded(0, 10, 100.0, "MIS"), converted(1, 25), traded(2, -25, 110.0)]
    events += [traded(3, 15, 105.0)]
    assert told(events) == [
        ("CNC", "LONG", 10, 1, 100.0, 110.0, 100.0, 2),
        ("CNC", "SHORT", 15, 3, 110.0, 105.0, 75.0, 1),
    ]


# Splits and bonuses


def scaled(day: int, units: int, of: int, price: float = 0.0) -> Scaled:
    return Scaled(on(day), *SBIN, "CNC", units, price, of)


def test_a_split_keeps_what_was_paid() -> None:
    events: list[Event] = [traded(0, 10, 3000.0), scaled(5, 50, 10), traded(9, -50, 620.0)]
    assert told(events) == [("CNC", "LONG", 50, 1, 600.0, 620.0, 1000.0, 9)]


def test_a_split_of_a_short() -> None:
    events: list[Event] = [traded(0, -10, 3000.0), scaled(5, -50, -10), traded(9, 50, 620.0)]
    assert told(events) == [("CNC", "SHORT", 50, 1, 600.0, 620.0, -1000.0, 9)]


def test_a_bonus_between_two_purchases_counts_for_the_first_alone() -> None:
    events: list[Event] = [
        traded(0, 10, 200.0),
        scaled(1, 20, 10),
        traded(2, 5, 110.0),
        traded(3, -25, 120.0),
    ]
    assert told(events) == [
        ("CNC", "LONG", 20, 1, 100.0, 120.0, 400.0, 3),
        ("CNC", "LONG", 5, 3, 110.0, 120.0, 50.0, 1),
    ]


def test_units_are_shared_in_proportion_and_what_was_paid_is_never_lost() -> None:
    bought: list[Event] = [traded(0, 5, 10.0), traded(1, 1, 40.0), traded(2, 3, 20.0)]  # 150 rupees
    assert told([*bought, scaled(3, 3, 9), traded(4, -3, 60.0)]) == [
        ("CNC", "LONG", 1, 1, 50.0, 60.0, 10.0, 4),
        ("CNC", "LONG", 1, 2, 40.0, 60.0, 20.0, 3),
        ("CNC", "LONG", 1, 3, 60.0, 60.0, 0.0, 2),
    ]
    assert told([*bought, scaled(3, 1, 9), traded(4, -1, 160.0)]) == [
        ("CNC", "LONG", 1, 3, 150.0, 160.0, 10.0, 2)
    ]


def test_units_that_only_the_lots_know_are_split_as_the_others() -> None:
    events: list[Event] = [traded(0, 4, 30.0), traded(1, 10, 60.0), scaled(2, 50, 10)]
    assert told([*events, traded(3, -70, 15.0)]) == [
        ("CNC", "LONG", 20, 1, 6.0, 15.0, 180.0, 3),
        ("CNC", "LONG", 50, 2, 12.0, 15.0, 150.0, 2),
    ]


def test_lots_share_another_cost_as_they_shared_their_own() -> None:
    bought: list[Event] = [traded(0, 10, 10.0), traded(1, 10, 30.0)]
    assert told([*bought, scaled(2, 10, 0, 24.0), traded(3, -10, 25.0)]) == [
        ("CNC", "LONG", 5, 1, 12.0, 25.0, 65.0, 3),
        ("CNC", "LONG", 5, 2, 36.0, 25.0, -55.0, 2),
    ]
    free: list[Event] = [traded(0, 5, 0.0), traded(1, 15, 0.0)]
    assert [lot[4] for lot in told([*free, scaled(2, 4, 0, 8.0), traded(3, -4, 9.0)])
            ] == [8.0, 8.0]  # fmt: skip


def test_what_is_transferred_to_where_nothing_is_open_is_a_lot_without_a_trade() -> None:
    for units, side in ((7, "LONG"), (-7, "SHORT")):
        events: list[Event] = [scaled(0, units, 0, 5.0), traded(1, -units, 5.0)]
        assert told(events) == [("CNC", side, 7, None, 5.0, 5.0, 0.0, 1)]
        other_side: list[Event] = [traded(0, -units, 9.0), scaled(1, units, 0, 5.0)]
        assert told([*other_side, traded(2, -units, 5.0)]) == [
            ("CNC", side, 7, None, 5.0, 5.0, 0.0, 1)
        ]


def test_what_is_transferred_away_goes_without_a_profit() -> None:
    for units in (7, -7):
        gone: list[Event] = [traded(0, units, 5.0), scaled(1, 0, 0), traded(2, -units, 6.0)]
        assert told(gone) == []


# Reports


def reported(day: int, units: int, price: float = 100.0) -> Reported:
    return Reported(on(day), *SBIN, "CNC", units, price)


def test_a_position_that_was_opened_elsewhere_is_a_lot_without_a_trade() -> None:
    for units, side, pnl in ((10, "LONG", 50.0), (-10, "SHORT", -50.0)):
        events: list[Event] = [reported(0, units), traded(2, -units, 105.0)]
        assert told(events) == [("CNC", side, 10, None, 100.0, 105.0, pnl, 2)]


def test_a_report_adds_what_was_not_known() -> None:
    events: list[Event] = [traded(0, 10, 90.0), reported(1, 15), traded(2, -15, 105.0)]
    assert told(events) == [
        ("CNC", "LONG", 10, 1, 90.0, 105.0, 150.0, 2),
        ("CNC", "LONG", 5, None, 100.0, 105.0, 25.0, 1),
    ]


def test_a_report_takes_what_was_closed_elsewhere_and_realises_nothing() -> None:
    bought: list[Event] = [traded(0, 10, 90.0), traded(1, 10, 95.0)]
    assert told([*bought, reported(2, 4), traded(3, -4, 105.0)]) == [
        ("CNC", "LONG", 4, 2, 95.0, 105.0, 40.0, 2)
    ]
    assert told([*bought, reported(2, 0), traded(3, -4, 105.0)]) == []
    assert told([*bought, reported(2, -4), traded(3, 4, 105.0)]) == [
        ("CNC", "SHORT", 4, None, 100.0, 105.0, -20.0, 1)
    ]


# All together

PRODUCTS: st.SearchStrategy[Product] = st.sampled_from(["CNC", "MIS"])


def anything(
    kind: str, sign: int, units: int, price: float, source: Product, to: Product
) -> Callable[[int, int], Event]:
    """What happens on whichever day, with so many units of CNC open; a split finds some."""
    happens: dict[str, Callable[[int, int], Event]] = {
        "trade": lambda day, held: traded(day, sign * units, price, source),
        "conversion": lambda day, held: converted(day, units, source, to),
        "split": lambda day, held: scaled(day, units if held > 0 else -units if held else 0, held),
    }
    return happens[kind]


HAPPENS = st.builds(
    anything,
    kind=st.sampled_from(["trade", "trade", "trade", "conversion", "split"]),
    sign=st.sampled_from([1, -1]),
    units=st.integers(1, 40),
    price=st.integers(-5, 2000).map(lambda ticks: ticks / 20),
    source=PRODUCTS,
    to=PRODUCTS,
)


@given(st.lists(HAPPENS, max_size=30))
def test_whatever_is_converted_and_split_the_profit_is_what_was_sold_less_what_was_bought(
    drawn: list[Callable[[int, int], Event]],
) -> None:
    """Once all is closed; a split gives and takes units, so what closes them comes at price 0."""
    lots = OpenLots()
    events: list[Event] = []
    realized: list[RealizedLot] = []
    for day, happens in enumerate(drawn):
        held = sum(lot.units for lot in lots._lots[*SBIN, "CNC"])
        events.append(happens(day, held))
        realized += lots.realize(events[-1:])
    products: list[Product] = ["CNC", "MIS"]
    for product in products:
        held = sum(lot.units for lot in lots._lots[*SBIN, product])
        if held:
            realized += lots.realize([traded(len(events), -held, 0.0, product)])
        assert not lots._lots[*SBIN, product]
    trades = [each.lot for each in events if isinstance(each, Traded)]
    cash = sum(-each.value if each.units > 0 else each.value for each in trades)
    assert sum(lot.pnl for lot in realized) == pytest.approx(cash / 1_000_000, abs=1e-6)
    assert all(lot.quantity > 0 and lot.holding_days >= 0 for lot in realized)
    exits = [lot.exit_at for lot in realized]
    assert exits == sorted(exits)
