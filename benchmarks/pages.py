"""Order history, page by page: the newest, the oldest, and one by its number."""

from functools import partial
from math import ceil

from openalgo_store import get_order_history, get_orders_after
from openalgo_store.engine.pagination import to_cursor

from . import orm_books, raw_books
from .books import trader_of
from .measure import Figure, Way, medians, seconds, three, typical
from .setting import Database, Setting

PER_PAGE, LONG_PAGE, READ = 50, 1_000, 50_000
DEPTH = 0.95
"""How far down the numbered page is: 950,000 of a million orders."""
NEAR, FAR = 300, 10
"""How often pages are read that cost little, and much."""
PROMISED_GROWTH, PROMISED = 1.3, 1.0


def run(setting: Setting) -> list[Figure]:
    """Each page in a session of its own; the raw driver's on a held connection."""
    figures = []
    for database in setting.books:
        trader = trader_of(database, setting.orders)
        number = int(setting.orders * DEPTH) // PER_PAGE + 1
        ends = medians(_ends(database, trader, setting.orders), setting.repeat)
        deep = medians(_numbered(database, trader, number), setting.repeat)
        read = min(READ, setting.orders)
        many = medians(_whole(database, trader, read), setting.repeat)
        first, last, engine = three(ends, 1e3), three(ends, 1e3, at=1), database.name
        raw, ours, orm = (after / before for before, after in zip(first, last, strict=True))
        figures += [
            Figure("first page", engine, "ms", *first),
            Figure("last page, by keyset", engine, "ms", *last),
            Figure("the same in first pages", engine, "", raw, ours, orm, below=PROMISED_GROWTH),
            Figure(f"page {number:,} by its number", engine, "ms", *three(deep, 1e3),
                   ratio=PROMISED),
            Figure(f"{read:,} orders, 1,000 a page", engine, "s", *three(many, 1)),
        ]  # fmt: skip
    return figures


def _ends(database: Database, trader: int, orders: int) -> dict[str, Way]:
    """First page and last page in turns. The ORM gets to the last one by OFFSET."""
    engine, last_number = database.raw, ceil(orders / PER_PAGE)
    before = get_order_history(trader, last_number - 1, PER_PAGE)[-1]
    cursor = to_cursor(before.placed_at, before.id)
    last_page = get_orders_after(trader, cursor, PER_PAGE).orders
    assert last_page == get_order_history(trader, last_number, PER_PAGE)
    place = raw_books.numbered_page(engine, trader, (last_number - 1) * PER_PAGE - 1, 1)[0]
    by_orm = partial(orm_books.get_order_history, database.orm, trader, per_page=PER_PAGE)

    def orm_ends() -> tuple[float, ...]:
        return *typical(NEAR, by_orm), *typical(FAR, partial(by_orm, page=last_number))

    return {
        "raw": lambda: typical(
            NEAR,
            partial(raw_books.first_page, engine, trader, PER_PAGE),
            partial(raw_books.next_page, engine, trader, place, PER_PAGE),
        ),
        "ours": lambda: typical(
            NEAR,
            partial(get_orders_after, trader, None, PER_PAGE),
            partial(get_orders_after, trader, cursor, PER_PAGE),
        ),
        "orm": orm_ends,
    }


def _numbered(database: Database, trader: int, number: int) -> dict[str, Way]:
    offset = (number - 1) * PER_PAGE
    raw_page = partial(raw_books.numbered_page, database.raw, trader, offset, PER_PAGE)
    orm_page = partial(orm_books.get_order_history, database.orm, trader, number, PER_PAGE)
    return {
        "raw": lambda: typical(FAR, raw_page),
        "ours": lambda: typical(FAR, partial(get_order_history, trader, number, PER_PAGE)),
        "orm": lambda: typical(FAR, orm_page),
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
