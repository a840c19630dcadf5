"""A worker: books the orders and fills of a broker's feed, each once, whatever happens to it.

    tail -n +1 -F feed.jsonl | python -m examples.worker

Each line of standard input is one message, as a bridge to the broker writes it:

    {"order": {"order_id": "250825000001", "user_id": 1, "symbol": "RELIANCE", "exchange": "NSE",
               "action": "BUY", "quantity": 100, "order_type": "MARKET", "product": "MIS",
               "status": "OPEN"}}
    {"fill": {"order_id": "250825000001", "trade_id": "T1", "quantity": 60, "price": 1402.0,
              "traded_at": "2026-08-25T04:01:00+00:00"}}

Whoever starts it gives it the whole day again: what is booked already changes nothing, so there is
no place in the stream to remember, and nothing to lose or to count twice when it is killed.
"""

import json
import logging
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

from openalgo_store import (
    DatabaseLogHandler,
    NotFound,
    Settings,
    StoreError,
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
PAUSE = 1.0
"""Seconds before what the database could not take is tried again."""

T = TypeVar("T")
log = logging.getLogger("worker")
early: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
"""Fills whose order was not reported yet, by its order_id."""


def main() -> None:
    """Until the stream or SIGTERM ends it."""
    settings = Settings.from_env({**read_env_file(".env"), **os.environ})
    with init_databases(settings):
        logging.basicConfig(level="INFO", handlers=[logging.StreamHandler(), DatabaseLogHandler()])
        flush_on_sigterm()  # log lines are written, then it ends as by kill -9
        book_all(sys.stdin)


def book_all(lines: Iterable[str]) -> None:
    """Line by line; one that is wrong is logged, and stops no other."""
    for number, line in enumerate(lines, 1):
        try:
            book(json.loads(line))
        except (StoreError, ValueError, KeyError, TypeError) as error:
            log.error("line %d is not booked: %s: %s", number, type(error).__name__, error)


def book(message: dict[str, Any]) -> None:
    """An order, and what waited for it; or a fill."""
    if "order" in message:
        order = message["order"]
        told = {name: order[name] for name in ORDER}  # and nothing else that may be there
        until_it_serves(lambda: report_order(BROKER, order["order_id"], **told))
        for fill in early.pop(order["order_id"], []):
            book_fill(fill)
    else:
        book_fill(message["fill"])


def book_fill(fill: dict[str, Any]) -> None:
    """The same one again changes nothing; one that has overtaken its order waits for it."""
    order_id, trade_id = fill["order_id"], fill["trade_id"]
    quantity, price = fill["quantity"], fill["price"]
    at = datetime.fromisoformat(fill["traded_at"])
    try:
        booked = until_it_serves(
            lambda: record_fill(order_id, trade_id, quantity, price, at, broker=BROKER)
        )
    except NotFound:
        early[order_id].append(fill)
        return
    if booked.recorded:
        log.info(
            "fill %s of order %s: %d are filled", trade_id, order_id, booked.order.fill_quantity
        )


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
