"""Writing to the books: one order, one fill, each with its commit."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count, islice
from typing import Any

from openalgo_store import create_order, get_positions, record_fill
from openalgo_store.values import clock

from . import BROKER, core, orm_books, raw, raw_books
from .books import trader_of, user_of
from .measure import Figure, Measured, in_turns, seconds
from .setting import Database, Setting

QUANTITY, PRICE = 10, 100.05

Write = Callable[[str], object]
Writes = dict[str, Write]
"""By the way: what writes an order, or fills one, by its id."""
Place = Callable[[str, list[str]], object]
"""What has to be there before a way's next writes of these ids."""


def run(setting: Setting) -> list[Figure]:
    """µs for each, into the book of a million orders. Core and the ORM ask for no active user."""
    figures = []
    for database in setting.books:
        trader_of(database, setting.scale.orders)
        user, engine = user_of(database, "writer"), database.name
        numbers = map("N{:09}".format, count())
        writes, fills = order_writes(database, user), fill_writes(database, user)
        with database.alone() as alone:
            if alone:
                writes["alone"] = order_writes(alone, user)["orm"]
                fills["alone"] = partial(_fill_by_orm, alone)
            orders = timed(setting, writes, numbers)
            filled = timed(setting, fills, numbers, partial(place_orders, database, alone, user))
        expected = QUANTITY * setting.scale.batch * setting.scale.rounds
        assert {each.quantity for each in get_positions(user)} == {expected}
        figures += [
            Figure.of("order, with commit", engine, "µs", orders, 1e6),
            Figure.of("fill, with commit", engine, "µs", filled, 1e6),
        ]
    return figures


def timed(
    setting: Setting,
    writes: Writes,
    numbers: Iterator[str],
    place: Place = lambda way, ids: None,
) -> Measured:
    """Seconds of one write; each takes a new order id, `place` is not counted."""

    def measured(way: str) -> tuple[float, ...]:
        ids = list(islice(numbers, setting.scale.batch))
        place(way, ids)
        write = writes[way]

        def repeated() -> None:
            for each in ids:
                write(each)

        return (seconds(repeated) / len(ids),)

    ways = {way: partial(measured, way) for way in writes}
    return in_turns(ways, setting.scale.rounds)


def order_writes(database: Database, user: int) -> Writes:
    """One order each way."""
    common = order_of(user)

    def by_raw(order_id: str) -> None:
        raw_books.add_order(database.raw, raw_order(database.raw, order_id, common))

    def ours(order_id: str) -> None:
        create_order(order_id, **common)

    def by_core(order_id: str) -> None:
        now = clock.now()
        core.create_order(database.core, order_id=order_id, status="OPEN", placed_at=now, **common)

    def by_orm(order_id: str) -> None:
        orm_books.create_order(database.orm, order_id=order_id, status="OPEN", **common)

    return {"raw": by_raw, "ours": ours, "core": by_core, "orm": by_orm}


def order_of(user: int) -> dict[str, Any]:
    """What create_order is told of an order, but for its id."""
    return {
        "user_id": user,
        "broker": BROKER,
        "symbol": "RELIANCE",
        "exchange": "NSE",
        "action": "BUY",
        "quantity": QUANTITY,
        "price": PRICE,
        "order_type": "LIMIT",
        "product": "MIS",
    }


def raw_order(engine: raw.Raw, order_id: str, order: dict[str, Any]) -> raw.Row:
    """The parameters of ADD_ORDER."""
    user, broker, symbol, exchange, action, quantity, price, order_type, product = order.values()
    return engine.storable(
        (order_id, user, broker, symbol, exchange, action, quantity, price, None, order_type,
         product, "OPEN", clock.now(), user)
    )  # fmt: skip


def fill_writes(database: Database, user: int) -> Writes:
    """One fill each way; each fills a position of its own, named after it."""

    def by_raw(order_id: str) -> None:
        trade_id, now = f"T{order_id}", clock.now()
        raw_books.add_fill(database.raw, order_id, BROKER, trade_id, QUANTITY, PRICE, now)

    def ours(order_id: str) -> None:
        record_fill(order_id, f"T{order_id}", QUANTITY, PRICE, clock.now(), broker=BROKER)

    def by_core(order_id: str) -> None:
        trade_id, now = f"T{order_id}", clock.now()
        core.record_fill(database.core, order_id, BROKER, trade_id, QUANTITY, PRICE, now)

    found: Writes = {
        "raw": by_raw, "ours": ours, "core": by_core, "orm": partial(_fill_by_orm, database)
    }  # fmt: skip
    today = clock.trading_day(clock.now())
    flat = ((user, BROKER, way, "NSE", "MIS", 0, 0.0, 0.0, 0, 0, today) for way in found)
    raw.load(database.raw, map(database.raw.storable, flat), raw_books.POSITIONS)
    return found


def _fill_by_orm(database: Database, order_id: str) -> None:
    trade_id, now = f"T{order_id}", clock.now()
    orm_books.record_fill(database.orm, order_id, BROKER, trade_id, QUANTITY, PRICE, now)


def place_orders(
    database: Database, alone: Database | None, user: int, way: str, ids: list[str]
) -> None:
    """Open orders that wait for their fills."""
    engine = raw.connect(alone.url) if alone and way == "alone" else database.raw
    symbol = "orm" if way == "alone" else way
    rows = (engine.storable(_open_order(each, user, symbol)) for each in ids)
    raw.load(engine, rows, raw_books.ORDERS)
    if engine is not database.raw:
        engine.close()


def _open_order(order_id: str, user: int, symbol: str) -> raw.Row:
    return (order_id, user, BROKER, symbol, "NSE", "BUY", QUANTITY, PRICE, "LIMIT", "MIS", "OPEN",
            None, 0, 0, clock.now(), 0, 0)  # fmt: skip
