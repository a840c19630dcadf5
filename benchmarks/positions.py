"""What a broker reports of a thousand positions, which are as they were but for their prices."""

from itertools import count
from typing import Any

from openalgo_store import bulk_update_positions
from openalgo_store.values import clock

from . import BROKER, orm_books, raw, raw_books
from .books import user_of
from .measure import Figure, Way, in_turns, seconds
from .setting import Database, Setting

COUNT = 1_000
UNITS, PRICE = 100, 812.5


def run(setting: Setting) -> list[Figure]:
    """We find them by user, broker, symbol, exchange and product; the others know their ids."""
    figures = []
    for database in setting.books:
        user, ids = _positions_of(database)
        with database.alone() as alone:
            ways = _ways(database, user, ids)
            if alone:
                ways["alone"] = _ways(alone, user, ids)["orm"]
            found = in_turns(ways, setting.scale.rounds)
        figures.append(Figure.of("1,000 positions reported", database.name, "ms", found, 1e3))
    return figures


def _positions_of(database: Database) -> tuple[int, dict[str, int]]:
    """A user, and the ids of the user's positions by their symbols."""
    user = user_of(database, "holder")
    held = (UNITS, PRICE, 0.0, UNITS, UNITS * round(PRICE * 1_000_000))
    day = clock.trading_day(clock.now())
    rows = ((user, BROKER, f"SHARE{each}", "NSE", "NRML", *held, day) for each in range(COUNT))
    raw.load(database.raw, map(database.raw.storable, rows), raw_books.POSITIONS)
    database.raw.analyse()
    return user, raw_books.position_ids(database.raw, user)


def _ways(database: Database, user: int, ids: dict[str, int]) -> dict[str, Way]:
    prices = map(float, count(100))

    def by_raw() -> tuple[float, ...]:
        price = next(prices)
        rows = [(UNITS, PRICE, price, 0.0, each) for each in ids.values()]
        return (seconds(lambda: raw_books.update_positions(database.raw, rows)),)

    def ours() -> tuple[float, ...]:
        price = next(prices)
        key = {"user_id": user, "broker": BROKER, "exchange": "NSE", "product": "NRML"}
        rows = [key | {"symbol": symbol} | _values(price) for symbol in ids]
        return (seconds(lambda: bulk_update_positions(rows)),)

    def by_orm() -> tuple[float, ...]:
        price = next(prices)
        rows = [{"id": each} | _values(price) for each in ids.values()]
        return (seconds(lambda: orm_books.bulk_update_positions(database.orm, rows)),)

    return {"raw": by_raw, "ours": ours, "orm": by_orm}


def _values(price: float) -> dict[str, Any]:
    return {"quantity": UNITS, "average_price": PRICE, "last_price": price, "pnl": 0.0}
