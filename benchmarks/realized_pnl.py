"""The realised profit of a financial year, by FIFO, out of five years of trades."""

import random
from collections import defaultdict, deque
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from math import isclose
from typing import Any

from openalgo_store import get_realized_pnl
from openalgo_store.values.clock import IST
from openalgo_store.values.days import range_of_days

from . import BROKER, raw
from .books import user_of
from .measure import Figure, batch, in_turns
from .raw_books import TRADES
from .setting import Database, Setting

_FIRST, _LAST = date(2021, 4, 1), date(2026, 3, 31)
_YEAR = date(2024, 4, 1), date(2025, 3, 31)
_OPENING, _SESSION = time(9, 15), timedelta(hours=6, minutes=15)
_INTRADAY, _HELD = 300, 200
"""Shares that are bought and sold within minutes, and those that are bought for months."""
_WAITING = 20
"""Round trips that are open at once."""
_IMPORTED = raw.Table(
    "trades", {name: TRADES.columns[name] for name in TRADES.columns if name != "order_id"}
)
_ALL_TRADES = """
SELECT traded_at, id, broker, symbol, exchange, product, action, quantity, price
FROM trades
WHERE user_id = ? AND traded_at < ?
ORDER BY traded_at, id
"""

Open = deque[list[Any]]


def run(setting: Setting) -> list[Figure]:
    """The fourth of five years. The raw driver reads all trades until its end and folds floats."""
    begin, end = range_of_days(*_YEAR)
    figures = []
    with setting.new_databases("lots") as found:
        for database in (each["lots"] for each in found):
            investor = _investor(database, setting.scale.orders)
            ways = {
                "raw": batch(1, partial(_folded, database.raw, investor, begin, end)),
                "ours": batch(1, partial(get_realized_pnl, investor, *_YEAR)),
            }
            plain, ours = (
                _folded(database.raw, investor, begin, end),
                get_realized_pnl(investor, *_YEAR),
            )
            assert len(plain) == len(ours)
            assert isclose(sum(plain), sum(lot.pnl for lot in ours), rel_tol=1e-6)
            measured = in_turns(ways, setting.scale.repeat)
            figures.append(Figure.of("FIFO of a year in five", database.name, "s", measured))
    return figures


def _folded(engine: raw.Raw, user_id: int, begin: datetime, end: datetime) -> list[float]:
    """The profit of each lot that is closed from `begin` on, with a queue for each product."""
    first, last = engine.storable((begin, end))
    queues: defaultdict[raw.Row, Open] = defaultdict(deque)
    realized = []
    for at, _, *place, action, quantity, price in engine.all(
        engine.statement(_ALL_TRADES), (user_id, last)
    ):
        waiting, sign = queues[tuple(place)], 1 if action == "BUY" else -1
        while quantity and waiting and waiting[0][0] != sign:
            oldest = waiting[0]
            units = min(quantity, oldest[1])
            if at >= first:
                realized.append(units * (price - oldest[2]) * -sign)
            quantity -= units
            oldest[1] -= units
            if not oldest[1]:
                waiting.popleft()
        if quantity:
            waiting.append([sign, quantity, price])
    return realized


def _investor(database: Database, trades: int) -> int:
    """A user with so many trades in five years; the database is used."""
    investor, engine = user_of(database, "investor"), database.raw
    raw.load(engine, map(engine.storable, _trades(investor, trades)), _IMPORTED)
    engine.analyse()
    return investor


def _trades(user_id: int, count: int) -> Iterator[raw.Row]:
    """In the order of time, the same ones each time: nine of ten are of round trips."""
    dice, waiting = random.Random(12), deque[tuple[str, str, int]]()
    for number, moment in enumerate(_moments(count)):
        if number % 10 == 0:
            share, action = f"HELD{dice.randrange(_HELD)}", dice.choice(("BUY", "BUY", "SELL"))
            product, quantity = "CNC", dice.randrange(1, 100)
        elif waiting and (len(waiting) == _WAITING or dice.random() < 0.5):
            share, action, quantity = waiting.popleft()
            product = "MIS"
        else:
            share, action = f"SHARE{dice.randrange(_INTRADAY)}", dice.choice(("BUY", "SELL"))
            product, quantity = "MIS", dice.randrange(1, 500)
            waiting.append((share, "SELL" if action == "BUY" else "BUY", quantity))
        price = dice.randrange(2_000, 60_000) / 20
        yield (f"T{number:09}", user_id, BROKER, share, "NSE", action, product, quantity, price,
               moment)  # fmt: skip


def _moments(count: int) -> Iterator[datetime]:
    """So many, evenly over the sessions of Mondays to Fridays; holidays make no difference here."""
    days = [_FIRST + timedelta(days=number) for number in range((_LAST - _FIRST).days + 1)]
    days = [day for day in days if day.weekday() < 5]
    for number in range(count):
        day, part = divmod(number * len(days), count)
        opening = IST.localize(datetime.combine(days[day], _OPENING)).astimezone(UTC)
        yield opening + _SESSION * part / count
