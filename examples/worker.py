"""A worker: books the orders and fills of a broker's feed, each once, whatever happens to it.

    tail -n +1 -F feed.jsonl | python -m examples.worker

Each line of standard input is one message, as a bridge to the broker writes it:

    {"order": {"order_id": "250825000001", "user_id": 1, "symbol": "RELIANCE", "exchange": "NSE",
               "action": "BUY", "quantity": 100, "order_type": "MARKET", "product": "MIS",
               "status": "OPEN", "reported_at": "2026-08-25T04:00:30+00:00"}}
    {"fill": {"order_id": "250825000001", "trade_id": "T1", "quantity": 60, "price": 1402.0,
              "traded_at": "2026-08-25T04:01:00+00:00"}}

Whoever starts it gives it the whole day again: what is booked already changes nothing, nor does a
report that is older than the last one. So there is no place in the stream to remember, and nothing
to lose or to count twice when it is killed.
"""

import json
import logging
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from openalgo_store import (
    Conflict,
    DatabaseLogHandler,
    IllegalOrderState,
    InvalidInput,
    NotFound,
    Settings,
    Unavailable,
    flush_on_sigterm,
    init_databases,
    read_env_file,
    record_fill,
    report_order,
)

from .broker import BROKER

ORDER = (
    "user_id", "symbol", "exchange", "action", "quantity", "order_type", "product", "status",
)  # fmt: skip
WRONG = (
    InvalidInput, Conflict, IllegalOrderState, LookupError, RecursionError, TypeError, ValueError,
)  # fmt: skip
"""What a message that cannot be right raises: of the store, and where it lacks something."""
PAUSE = 1.0
"""Seconds before what the database could not take is tried again."""

T = TypeVar("T")
log = logging.getLogger("worker")
early: defaultdict[str, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
"""Fills whose order was not reported yet, with the number of their line, by its order_id."""


def main() -> None:
    """Until the stream or SIGTERM ends it."""
    settings = Settings.from_env({**read_env_file(".env"), **os.environ})
    with init_databases(settings):
        logging.basicConfig(level="INFO", handlers=[logging.StreamHandler(), DatabaseLogHandler()])
        flush_on_sigterm()  # log lines are written, then it ends as by kill -9
        with open(0, encoding="utf-8", errors="surrogateescape", closefd=False) as lines:
            book_all(lines)  # one that is no UTF-8 is refused as others are, and ends nothing


def book_all(lines: Iterable[str]) -> None:
    """Line by line."""
    for number, line in enumerate(lines, 1):
        with passing_over_what_is_wrong(number):
            message = json.loads(line)
            if "order" in message:
                book_order(message["order"])
            else:
                book_fill(number, message["fill"])


@contextmanager
def passing_over_what_is_wrong(number: int) -> Iterator[None]:
    """A line that would be wrong the next time too is logged. Any other error ends the worker."""
    try:
        yield
    except WRONG as error:
        log.error("line %d is not booked: %s: %s", number, type(error).__name__, error)


def book_order(order: dict[str, Any]) -> None:
    """Make an order what the broker tells of it; then come the fills that waited for it."""
    told = {name: order[name] for name in ORDER}  # and nothing else that may be there
    at = datetime.fromisoformat(order["reported_at"])
    order_id = order["order_id"]
    until_it_serves(lambda: report_order(BROKER, order_id, **told, reported_at=at))
    for number, fill in early.pop(order_id, []):
        with passing_over_what_is_wrong(number):
            book_fill(number, fill)


def book_fill(number: int, fill: dict[str, Any]) -> None:
    """The same one again changes nothing; one that has overtaken its order waits for it."""
    order_id, trade_id = fill["order_id"], fill["trade_id"]
    quantity, price = fill["quantity"], fill["price"]
    at = datetime.fromisoformat(fill["traded_at"])
    try:
        booked = until_it_serves(
            lambda: record_fill(order_id, trade_id, quantity, price, at, broker=BROKER)
        )
    except NotFound:
        early[order_id].append((number, fill))
        return
    if booked.recorded:
        filled = booked.order.fill_quantity
        log.info("fill %s of order %s: %d are filled", trade_id, order_id, filled)


def until_it_serves(unit: Callable[[], T]) -> T:
    """Try again for as long as the database is away: nothing of the feed may be left out.

    Also where the outcome of a COMMIT is unknown: both functions may be called twice.
    """
    while True:
        try:
            return unit()
        except Unavailable as error:
            log.warning("tried again in %g s: %s", PAUSE, error)
            time.sleep(PAUSE)


if __name__ == "__main__":
    main()
