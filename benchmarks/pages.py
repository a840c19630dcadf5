"""Order history, page by page: the newest, the oldest, one by its number; in books of any size."""

from collections.abc import Callable
from functools import partial
from math import ceil

from openalgo_store import get_order_history, get_orders_after
from openalgo_store.engine.pagination import to_cursor

from . import core, orm_books, raw_books
from .books import trader_of
from .measure import Figure, Way, batch, in_turns, seconds
from .setting import Database, Setting

PER_PAGE, LONG_PAGE, READ = 50, 1_000, 50_000
DEPTH = 0.95
"""How far down the numbered page is: 950,000 of a million orders."""


def run(setting: Setting) -> list[Figure]:
    """Each page with no session given."""
    figures = []
    rounds, orders = setting.scale.rounds, setting.scale.orders
    for database in setting.books:
        trader, engine = trader_of(database, orders), database.name
        pages = in_turns(_ends(database, trader, setting), rounds)
        ends = {way: [last / first for first, last in pages[way]] for way in ("raw", "ours")}
        deep = in_turns(_numbered(database, trader, orders), setting.scale.repeat)
        many = in_turns(_whole(database, trader, min(READ, orders)), setting.scale.repeat)
        figures += [
            Figure.of("page of 50 by keyset", engine, "µs", pages, 1e6),
            Figure("last page in first pages", engine, "", ends),
            Figure.of("far page by its number", engine, "ms", deep, 1e3),
            Figure.of("50,000 orders, 1,000 a page", engine, "ms", many, 1e3),
        ]
    return figures + _growth(setting)


def _ends(database: Database, trader: int, setting: Setting) -> dict[str, Way]:
    """The page after the first and the last one, by keyset; the ORM goes there by OFFSET."""
    engine, times = database.raw, setting.scale.batch
    far = ceil(setting.scale.orders / PER_PAGE) - 1
    second, last = (get_order_history(trader, number, PER_PAGE)[-1] for number in (1, far))
    cursors = [to_cursor(each.placed_at, each.id) for each in (second, last)]
    assert get_orders_after(trader, cursors[1], PER_PAGE).next_cursor is None
    offsets = PER_PAGE - 1, far * PER_PAGE - 1
    places = [raw_books.numbered_page(engine, trader, offset, 1)[0] for offset in offsets]

    def two(*pages: Callable[[], object]) -> Way:
        ways = [batch(times, page) for page in pages]
        return lambda: tuple(way()[0] for way in ways)

    second_place = second.placed_at, second.id
    return {
        "raw": two(
            *(partial(raw_books.next_page, engine, trader, place, PER_PAGE) for place in places)
        ),
        "ours": two(*(partial(get_orders_after, trader, each, PER_PAGE) for each in cursors)),
        "core": two(partial(core.get_orders_after, database.core, trader, second_place, PER_PAGE)),
        "orm": two(partial(orm_books.get_order_history, database.orm, trader, 2, PER_PAGE)),
    }


def _numbered(database: Database, trader: int, orders: int) -> dict[str, Way]:
    number = int(orders * DEPTH) // PER_PAGE + 1
    offset = (number - 1) * PER_PAGE
    return {
        "raw": batch(3, partial(raw_books.numbered_page, database.raw, trader, offset, PER_PAGE)),
        "ours": batch(3, partial(get_order_history, trader, number, PER_PAGE)),
        "orm": batch(
            3, partial(orm_books.get_order_history, database.orm, trader, number, PER_PAGE)
        ),
    }


def _whole(database: Database, trader: int, count: int) -> dict[str, Way]:
    """The newest orders; the raw driver and we go on from page to page, the ORM counts."""
    engine, pages = database.raw, count // LONG_PAGE

    def by_raw() -> None:
        page = raw_books.first_page(engine, trader, LONG_PAGE)
        for _ in range(1, pages):
            page = raw_books.next_page(engine, trader, page[-1], LONG_PAGE)

    def ours() -> None:
        cursor = None
        for _ in range(pages):
            cursor = get_orders_after(trader, cursor, LONG_PAGE).next_cursor

    def by_orm() -> None:
        for page in range(1, pages + 1):
            orm_books.get_order_history(database.orm, trader, page, LONG_PAGE)

    return {
        "raw": lambda: (seconds(by_raw),),
        "ours": lambda: (seconds(ours),),
        "orm": lambda: (seconds(by_orm),),
    }


def _growth(setting: Setting) -> list[Figure]:
    """The first page of books of a hundredth, a tenth and all of the orders."""
    figures, orders, few = [], setting.scale.orders, setting.scale.few_orders
    with setting.new_databases("hundredth", "tenth") as smaller:
        for whole, each in zip(setting.books, smaller, strict=True):
            books = {few: each["hundredth"], orders // 10: each["tenth"], orders: whole}
            for count, database in books.items():
                trader = trader_of(database, count)
                pages: dict[str, Callable[[], object]] = {
                    "raw": partial(raw_books.first_page, database.raw, trader, PER_PAGE),
                    "ours": partial(get_orders_after, trader, None, PER_PAGE),
                    "orm": partial(orm_books.get_order_history, database.orm, trader, 1, PER_PAGE),
                }
                timed = {way: batch(setting.scale.batch, page) for way, page in pages.items()}
                found = in_turns(timed, setting.scale.rounds)
                case = f"first page of {count:,} orders"
                figures.append(Figure.of(case, database.name, "µs", found, 1e6))
    return figures
