"""Processes that trade, all of them in one market: the same orders, the same fills to come."""

import json
import signal
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from openalgo_store import (
    Settings,
    Store,
    adjust_position,
    bulk_update_positions,
    get_positions,
    record_fill,
    use_store,
)
from openalgo_store.repositories.trading.books import BOOKS, Book
from openalgo_store.values import clock
from tests.programs.databases import urls_of
from tests.support.chance import chance_of
from tests.support.forked import Forked
from tests.support.settings import settings_of

USER_ID = 1
FILLERS = 8
ORDERS = 20
POSITIONS = [
    {"broker": "zerodha", "symbol": f"SHARE{number}", "exchange": "NSE", "product": "MIS"}
    for number in range(5)
]
MOMENTS = [datetime(2026, 7, day, 5, tzinfo=UTC) for day in (1, 2)]
LAST_PRICES = [99.95, 100.0, 100.05, 100.123456]


class Correction(NamedTuple):
    """What a position is told to be at a moment."""

    place: dict[str, str]
    told: dict[str, Any]
    at: datetime


_TOLD: list[tuple[int, dict[str, Any]]] = [
    (0, {"quantity": 7, "average_price": 101.23}),
    (0, {"quantity": -3, "average_price": 99.0, "overnight_quantity": 2}),
    (1, {"quantity": 11, "average_price": 50.5, "reason": "split"}),
]
CORRECTIONS = [
    Correction(POSITIONS[number], told, moment + timedelta(hours=hours, minutes=minutes))
    for minutes, (number, told) in enumerate(_TOLD)
    for moment, hours in [(MOMENTS[0], 1), (MOMENTS[1], -1)]
]
"""Between the fills of the one day and those of the next."""


class SentFill(NamedTuple):
    """A fill as an exchange tells of it."""

    order_id: str
    trade_id: str
    quantity: int
    price: float
    traded_at: datetime


def own_fills(filler: int, count: int) -> list[SentFill]:
    """The fills that one process brings."""
    chance = chance_of(f"fills of {filler}")
    return [
        SentFill(
            order_id=f"order{chance.randrange(ORDERS)}",
            trade_id=f"{filler}-{number}",
            quantity=chance.randint(1, 10**5),
            price=chance.choice([chance.randint(1, 10**5) / 20, chance.randint(1, 10**10) / 10**6]),
            traded_at=chance.choice(MOMENTS),
        )
        for number in range(count)
    ]


def all_fills(count: int) -> list[SentFill]:
    """The fills of every process, each once."""
    return [fill for filler in range(FILLERS) for fill in own_fills(filler, count)]


def sent_fills(filler: int, count: int) -> list[SentFill]:
    """What one process sends: its own fills, and once more those of the next one."""
    fills = own_fills(filler, count) + own_fills((filler + 1) % FILLERS, count)
    chance_of(f"order of {filler}").shuffle(fills)
    return fills


def all_orders(count: int) -> list[dict[str, Any]]:
    """Orders on both sides of each position; every other one ends COMPLETE."""
    filled: Counter[str] = Counter()
    for fill in all_fills(count):
        filled[fill.order_id] += fill.quantity
    return [
        {
            **POSITIONS[number % len(POSITIONS)],
            "order_id": f"order{number}",
            "user_id": USER_ID,
            "action": "BUY" if number < ORDERS // 2 else "SELL",
            "quantity": filled[f"order{number}"] + number % 2,
            "order_type": "MARKET",
            "price": None,
            "trigger_price": None,
            "status": "OPEN",
            "placed_at": MOMENTS[0],
        }
        for number in range(ORDERS)
    ]


class Trader(Forked):
    """A process that runs one of the programs below, once it is told to go."""

    def __init__(
        self, program: Callable[..., None], settings: Settings, book: Book, *arguments: int
    ) -> None:
        super().__init__(_run, program, urls_of(settings), book.database, *arguments)


def go(*traders: Trader) -> None:
    """Let them go as soon as all of them are ready."""
    for trader in traders:
        assert trader.hear() == "ready"
    for trader in traders:
        trader.send("go")


def fill_orders(line: Connection, book: Book, filler: int, count: int) -> None:
    """Send the fills, and say of each whether it was recorded or known; and what is corrected."""
    what: list[Any] = [*sent_fills(filler, count), *CORRECTIONS, *CORRECTIONS]
    chance_of(f"corrections of {filler}").shuffle(what)
    for each in what:
        if isinstance(each, Correction):
            correct(each, book)
            continue
        sent = record_fill(*each, book=book)
        line.send(f"{'recorded' if sent.recorded else 'known'} {each.trade_id}")


def correct(correction: Correction, book: Book) -> None:
    """Tell the store what a broker tells, or what a split makes of a position."""
    place: dict[str, Any] = {"user_id": USER_ID, **correction.place}
    told, at = correction.told, correction.at
    if "reason" in told:
        adjust_position(**place, **told, adjusted_at=at, book=book)
    else:
        bulk_update_positions([place | told], reported_at=at, book=book)


def report_prices(line: Connection, book: Book, backwards: int) -> None:
    """Set the last price of every position over and over, until told to stop; say how often."""
    reports = 0
    while not line.poll():
        price = LAST_PRICES[reports % len(LAST_PRICES)]
        rows = [row | {"user_id": USER_ID, "last_price": price} for row in POSITIONS]
        rows = rows[::-1] if backwards else rows
        bulk_update_positions(rows, reported_at=MOMENTS[-1] + timedelta(hours=1), book=book)
        reports += 1
    line.recv()
    line.send(str(reports))


def _run(
    line: Connection, program: Callable[..., None], urls: str, database: str, *arguments: int
) -> None:
    signal.alarm(600)  # never outlive the test
    (book,) = (each for each in BOOKS if each.database == database)
    with line, Store(settings_of(json.loads(urls))) as store:
        use_store(store)
        line.send("ready")
        line.recv()
        program(line, book, *arguments)


MIDNIGHT = datetime(2026, 7, 1, 18, 30, tzinfo=UTC)
"""When a trading day ends in India."""


def moments_of_midnight(trader: int) -> list[datetime]:
    """The moments at which one process trades: its own ones, half of them before midnight."""
    steps = range(-10, 10)
    return [MIDNIGHT + timedelta(milliseconds=step, microseconds=trader) for step in steps]


def fills_of_midnight(trader: int) -> list[SentFill]:
    """What one process buys and sells as the day turns."""
    return [
        SentFill(f"order{trader}", f"{trader}-{number}", number % 7 + 1, 100 + number / 8, at)
        for number, at in enumerate(moments_of_midnight(trader))
    ]


def trade_across_midnight(line: Connection, book: Book, trader: int) -> None:
    """Fill, report prices and read at each moment, by a clock that stands at that moment."""
    for fill in fills_of_midnight(trader):
        clock.now = lambda at=fill.traded_at: at  # type: ignore[misc]
        record_fill(*fill, book=book)
        place = POSITIONS[trader % len(POSITIONS)] | {"user_id": USER_ID, "last_price": 100.0}
        bulk_update_positions([place], book=book)
        for position in get_positions(USER_ID, book=book):
            assert position.trading_day is not None
            assert position.trading_day >= clock.trading_day(fill.traded_at)
            assert position.quantity == position.overnight_quantity + position.day_quantity
        line.send(fill.trade_id)
