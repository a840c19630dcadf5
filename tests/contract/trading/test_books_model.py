"""The books against a plain Python model: any sequence of operations has the same outcome."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from itertools import count
from typing import Any, Protocol

import pytest
from hypothesis import given

from openalgo_store import (
    Order,
    Store,
    StoreError,
    Transaction,
    adjust_position,
    bulk_update_holdings,
    bulk_update_positions,
    convert_position,
    create_order,
    create_user,
    get_daily_pnl,
    get_daily_pnl_by_symbol,
    get_holdings,
    get_open_orders,
    get_order,
    get_order_history,
    get_orders_after,
    get_position_adjustments,
    get_position_history,
    get_positions,
    get_trades,
    get_write_session,
    import_trade,
    record_fill,
    report_order,
    update_order,
    update_order_status,
)
from openalgo_store.repositories.trading.books import BOOKS, Book
from openalgo_store.values import clock
from tests.models.book_model import BookModel, by_time
from tests.models.book_sequences import DAYS, NOW, Block, Step, sequences
from tests.models.book_state import OPEN

OPERATIONS: dict[str, Callable[..., Any]] = {
    "create_order": create_order,
    "update_order": update_order,
    "update_order_status": update_order_status,
    "record_fill": record_fill,
    "report_order": report_order,
    "convert_position": convert_position,
    "adjust_position": adjust_position,
    "import_trade": import_trade,
    "bulk_update_positions": lambda rows, **given: bulk_update_positions(rows, **given),
    "bulk_update_holdings": lambda rows, **where: bulk_update_holdings(rows, **where),
}
SEEN = (date(2026, 6, 1), date(2026, 8, 1))
HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"
OWNED = {*("create_order", "import_trade", "report_order", "convert_position", "adjust_position")}
"""The operations that are told whose it is."""


class Side(Protocol):
    """What can go through a sequence: the model, and the store."""

    def do(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """One operation."""

    def block(self) -> AbstractContextManager[object]:
        """A transaction, or a savepoint inside one."""


class StoredBook:
    """A book of the store; what is done inside a block joins its transaction."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.tx: Transaction | None = None

    def do(self, name: str, arguments: Mapping[str, Any]) -> Any:
        return without_ids(OPERATIONS[name](**arguments, book=self.book, tx=self.tx))

    @contextmanager
    def block(self) -> Iterator[None]:
        if self.tx is not None:
            with self.tx.savepoint():
                yield
            return
        try:
            with get_write_session(self.book.database) as self.tx:
                yield
        finally:
            self.tx = None


class Undone(Exception):
    """A block of the caller ends in an error of its own."""


@pytest.mark.timeout(900)  # a failing sequence is made as short as it can be
def test_any_sequence_of_operations_ends_as_in_the_model(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    numbers = count(1)

    @given(sequences())
    def check(steps: list[Step | Block]) -> None:
        number = next(numbers)
        name, book = f"user{number}", BOOKS[number % 2]
        user_id = create_user(name, f"{name}@example.org", HASH).id
        steps = [owned(step, user_id) for step in steps]
        model = BookModel(NOW)
        assert play(steps, StoredBook(book)) == play(steps, model)
        assert seen_in_store(user_id, list(model.orders), book) == seen_in_model(model)

    check()


def play(steps: Sequence[Step | Block], side: Side) -> list[Any]:
    """What comes of each step: its result, or the type of its error, which the caller catches."""
    outcomes: list[Any] = []
    for step in steps:
        try:
            if isinstance(step, Step):
                outcomes.append(side.do(*step))
                continue
            with side.block():
                outcomes.append(play(step.steps, side))
                if step.ends_in_error:
                    raise Undone
        except (Undone, StoreError) as error:
            outcomes.append(type(error))
    return outcomes


def owned(step: Step | Block, user_id: int) -> Step | Block:
    """The step as one of this user, whose order ids are unlike any other's."""
    if isinstance(step, Block):
        return step._replace(steps=[owned(each, user_id) for each in step.steps])
    own: dict[str, Any] = {"user_id": user_id} if step.name in OWNED else {}
    for name, value in step.arguments.items():
        if name == "order_id" and value is not None:
            own[name] = f"{user_id}-{value}"
        elif isinstance(value, list):
            own[name] = [row | {"user_id": user_id} for row in value]
        else:
            own[name] = value
    return Step(step.name, own)


def seen_in_store(user_id: int, orders: list[tuple[str, str]], book: Book) -> dict[str, Any]:
    """Everything that a caller can read of a user's book."""
    seen = {
        "orders": [get_order(number, broker=broker, book=book) for broker, number in orders],
        "open": get_open_orders(user_id, book=book),
        "numbered pages": numbered_pages(user_id, book),
        "pages by cursor": pages_by_cursor(user_id, book),
        "trades": get_trades(user_id, book=book),
        "positions": [get_positions(user_id, day=day, book=book) for day in DAYS],
        "history": get_position_history(user_id, *SEEN, book=book),
        "adjustments": sorted(
            without_ids(get_position_adjustments(user_id, *SEEN, book=book)),
            key=by_time,
        ),
        "holdings": get_holdings(user_id, book=book),
        "daily pnl": [get_daily_pnl(user_id, day, book=book) for day in DAYS],
        "by symbol": [get_daily_pnl_by_symbol(user_id, day, book=book) for day in DAYS],
    }
    return {name: without_ids(value) for name, value in seen.items()}


def seen_in_model(model: BookModel) -> dict[str, Any]:
    """The same as the model has it."""
    orders = model.order_history()
    return {
        "orders": list(model.orders.values()),
        "open": [order for order in orders if order.status in OPEN],
        "numbered pages": orders,
        "pages by cursor": orders,
        "trades": model.trade_history(),
        "positions": [model.get_positions(day) for day in DAYS],
        "history": model.get_position_history(),
        "adjustments": model.get_position_adjustments(),
        "holdings": model.get_holdings(),
        "daily pnl": [model.get_daily_pnl(day) for day in DAYS],
        "by symbol": [model.get_daily_pnl_by_symbol(day) for day in DAYS],
    }


def numbered_pages(user_id: int, book: Book) -> list[Order]:
    """The order history, two at a time, until a page is empty."""
    found: list[Order] = []
    for number in count(1):
        page = get_order_history(user_id, number, 2, book=book)
        if not page:
            break
        found += page
    return found


def pages_by_cursor(user_id: int, book: Book) -> list[Order]:
    """The same by cursor, until there is none."""
    found, cursor = get_orders_after(user_id, None, 2, book=book)
    while cursor is not None:
        page, cursor = get_orders_after(user_id, cursor, 2, book=book)
        found += page
    return found


def without_ids(value: Any) -> Any:
    """What is told, with 0 for the numbers that the database gives its rows."""
    if isinstance(value, list):
        return [without_ids(each) for each in value]
    if not hasattr(value, "_fields"):
        return value
    inside = value._make(without_ids(each) for each in value)
    return inside._replace(id=0) if hasattr(value, "id") else inside
