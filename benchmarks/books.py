"""A trader with a million orders, each with its trade, among a few thousand of other users."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import count, islice
from typing import NamedTuple

from openalgo_store import create_user, get_user_by_username, hash_password
from openalgo_store.values.clock import IST

from . import BROKER, raw
from .raw_books import ORDERS, TRADES
from .setting import Database

DAYS = 250
"""Trading days over which the orders are spread evenly."""

_FIRST_DAY = date(2024, 1, 1)
_OPENING, _SESSION = time(9, 15), timedelta(hours=6, minutes=15)
_OTHERS = 200
"""One order of another user comes after so many of the trader."""


class Execution(NamedTuple):
    """An order that was filled at once."""

    number: int
    user_id: int
    symbol: str
    action: str
    quantity: int
    price: float
    moment: datetime


def trader_of(database: Database, orders: int) -> int:
    """The user with so many orders and trades, made when first asked for; the database is used.

    The number is a multiple of the days.
    """
    database.use()
    if known := get_user_by_username("trader"):
        return known.id
    trader, other = user_of(database, "trader"), user_of(database, "other")
    engine = database.raw
    for table, row in ((ORDERS, _order), (TRADES, _trade)):
        rows = map(row, _executions(orders, trader, other))
        raw.load(engine, map(engine.storable, rows), table)
    engine.analyse()
    return trader


def user_of(database: Database, name: str) -> int:
    """A user, made when first asked for; the database is used."""
    database.use()
    return user_named(name)


def user_named(name: str) -> int:
    """The same in the store that is in use."""
    known = get_user_by_username(name)
    return (known or create_user(name, f"{name}@example.org", hash_password("a password"))).id


def middle_day() -> date:
    """One of the days, as far from the first as from the last."""
    return next(islice(_trading_days(), DAYS // 2, None))


def _executions(orders: int, trader: int, other: int) -> Iterator[Execution]:
    """In the order of time, the same ones each time."""
    dice, numbers, daily = random.Random(4), count(1), orders // DAYS
    for day in islice(_trading_days(), DAYS):
        opening = IST.localize(datetime.combine(day, _OPENING)).astimezone(UTC)
        for number in range(daily):
            moment = opening + _SESSION * number / daily
            yield _execution(next(numbers), trader, moment, dice)
            if number % _OTHERS == 0:
                yield _execution(next(numbers), other, moment, dice)


def _execution(number: int, user_id: int, moment: datetime, dice: random.Random) -> Execution:
    return Execution(
        number,
        user_id,
        symbol=f"SHARE{dice.randrange(50)}",
        action=dice.choice(("BUY", "SELL")),
        quantity=dice.randrange(1, 500),
        price=dice.randrange(2_000, 60_000) / 20,
        moment=moment,
    )


def _order(done: Execution) -> raw.Row:
    value = round(done.quantity * done.price * 1_000_000)
    return (f"O{done.number:09}", done.user_id, BROKER, done.symbol, "NSE", done.action,
            done.quantity, done.price, "LIMIT", "MIS", "COMPLETE", done.price, done.quantity,
            value, done.moment, done.quantity, value)  # fmt: skip


def _trade(done: Execution) -> raw.Row:
    return (f"T{done.number:09}", f"O{done.number:09}", done.user_id, BROKER, done.symbol, "NSE",
            done.action, "MIS", done.quantity, done.price, done.moment)  # fmt: skip


def _trading_days() -> Iterator[date]:
    """Mondays to Fridays; holidays make no difference here."""
    days = (_FIRST_DAY + timedelta(days=number) for number in count())
    return (day for day in days if day.weekday() < 5)
