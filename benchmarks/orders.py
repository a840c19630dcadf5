"""Writing to the books: one order, one fill, each with its commit."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from itertools import count, islice

from openalgo_store import create_order, get_positions, record_fill
from openalgo_store.values import clock

from . import BROKER, orm_books, raw, raw_books
from .books import trader_of, user_of
from .measure import Figure, Way, medians, seconds, three
from .setting import Database, Setting

TIMES = 300
QUANTITY, PRICE = 10, 100.05
VALUE = round(QUANTITY * PRICE * 1_000_000)
PROMISED = {"SQLite": 2.5, "PostgreSQL": 1.4}

Write = Callable[[str], object]
Writes = dict[str, Write]


def run(setting: Setting) -> list[Figure]:
    """µs for each, into the book of a million orders. Only we look whether the user is active."""
    figures = []
    for database in setting.books:
        trader_of(database, setting.orders)
        user, engine = user_of(database, "writer"), database.name
        numbers = map("N{:09}".format, count())
        place = partial(_place, database, user)
        writes = _orders(database, user)
        if engine == raw.RawSQLite.name:
            writes["beside"] = writes["orm"]
        orders = medians(_timed(database, writes, numbers), setting.repeat)
        fills = medians(_timed(database, _fills(database, user), numbers, place), setting.repeat)
        held = {each.quantity for each in get_positions(user)}
        assert held == {QUANTITY * TIMES * setting.repeat}
        order, promised = three(orders, 1e6), PROMISED[engine]
        figures.append(Figure("order, with commit", engine, "µs", *order, ratio=promised))
        if "beside" in orders:
            order = three(orders | {"orm": orders["beside"]}, 1e6)
            figures.append(Figure("the same, the file kept open", engine, "µs", *order))
        figures.append(Figure("fill, with commit", engine, "µs", *three(fills, 1e6)))
    return figures


def _timed(
    database: Database,
    writes: Writes,
    numbers: Iterator[str],
    before: Callable[[str, list[str]], object] = lambda name, ids: None,
) -> dict[str, Way]:
    """Seconds of one write; each takes new order ids, `before` is not counted."""

    def measured(name: str) -> tuple[float, ...]:
        ids = list(islice(numbers, TIMES))
        before(name, ids)
        write = writes[name]

        def repeated() -> None:
            for each in ids:
                write(each)

        with database.for_orm_alone() if name == "orm" else nullcontext():
            return (seconds(repeated) / TIMES,)

    return {name: partial(measured, name) for name in writes}


def _orders(database: Database, user: int) -> Writes:
    def by_raw(order_id: str) -> None:
        order = database.raw.storable(_row(order_id, user, "RELIANCE"))
        raw_books.add_order(database.raw, order)

    def ours(order_id: str) -> None:
        create_order(
            order_id,
            user_id=user,
            broker=BROKER,
            symbol="RELIANCE",
            exchange="NSE",
            action="BUY",
            quantity=QUANTITY,
            price=PRICE,
            order_type="LIMIT",
            product="MIS",
        )

    def by_orm(order_id: str) -> None:
        orm_books.create_order(
            database.orm,
            order_id=order_id,
            user_id=user,
            broker=BROKER,
            symbol="RELIANCE",
            exchange="NSE",
            action="BUY",
            quantity=QUANTITY,
            price=PRICE,
            order_type="LIMIT",
            product="MIS",
            status="OPEN",
        )

    return {"raw": by_raw, "ours": ours, "orm": by_orm}


def _fills(database: Database, user: int) -> Writes:
    """Each way fills a position of its own, named after it."""
    names = ("raw", "ours", "orm")
    positions = ((user, BROKER, name, "NSE", "MIS", 0.0, 0.0) for name in names)
    raw.load(database.raw, positions, raw_books.POSITIONS)

    def by_raw(order_id: str) -> None:
        now = clock.now()
        order = (QUANTITY, VALUE, PRICE, "COMPLETE", now, order_id)
        trade = (f"T{order_id}", order_id, user, BROKER, "raw", "NSE", "BUY", "MIS", QUANTITY,
                 PRICE, now)  # fmt: skip
        position = (QUANTITY, QUANTITY, QUANTITY, VALUE, PRICE, 0.0, user, BROKER, "raw", "NSE",
                    "MIS")  # fmt: skip
        rows = map(database.raw.storable, (order, trade, position))
        raw_books.add_fill(database.raw, *rows)

    def ours(order_id: str) -> None:
        record_fill(order_id, f"T{order_id}", QUANTITY, PRICE, clock.now())

    def by_orm(order_id: str) -> None:
        orm_books.record_fill(database.orm, order_id, f"T{order_id}", QUANTITY, PRICE, clock.now())

    return {"raw": by_raw, "ours": ours, "orm": by_orm}


def _place(database: Database, user: int, symbol: str, ids: list[str]) -> None:
    """Open orders that wait for their fills."""
    rows = (database.raw.storable(_row(each, user, symbol)) for each in ids)
    raw.load(database.raw, rows, raw_books.ORDERS)


def _row(order_id: str, user: int, symbol: str) -> raw.Row:
    return (order_id, user, BROKER, symbol, "NSE", "BUY", QUANTITY, PRICE, "LIMIT", "MIS", "OPEN",
            None, 0, 0, clock.now())  # fmt: skip
