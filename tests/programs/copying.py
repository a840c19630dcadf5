"""Processes that copy a database and are killed on the way, and that write beside a backup."""

import itertools
import json
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator

from openalgo_store import LIVE, Store, get_write_session, record_fill, use_store
from openalgo_store.operations.copying import copy_database
from openalgo_store.records import Row
from tests.support.forked import Program
from tests.support.rows import MONDAY, add_order
from tests.support.settings import settings_of


def _copy_until(source: str, target: str, rows_until_killed: str) -> None:
    left = int(rows_until_killed)

    def watch(table: str, count: int, rows: Iterable[Row]) -> Iterator[Row]:
        nonlocal left
        for row in rows:
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            yield row

    with (
        Store(settings_of({"main": source})) as origin,
        Store(settings_of({"main": target})) as goal,
    ):
        copy_database("main", origin, goal, tell=print, watch=watch)


def _trade(urls: str, number: str) -> None:
    """Orders with a fill each, told once they are committed, until there is a line to read."""
    told = threading.Event()

    def listen() -> None:
        sys.stdin.readline()
        told.set()

    threading.Thread(target=listen, daemon=True).start()
    with Store(settings_of(json.loads(urls))) as store, use_store(store):
        for count in itertools.count():
            order_id = f"W{number}-{count}"
            with get_write_session() as tx:
                add_order(1, order_id, symbol=f"S{count % 7}", book=LIVE, tx=tx)
                record_fill(order_id, "T", 60, 812.35, MONDAY, tx=tx)
            print(order_id, flush=True)
            if told.is_set():
                break


def trading_writer(urls: str, number: int) -> Program:
    """A process that trades for user 1 until it is told to end."""
    return Program(_trade, urls, str(number))


def killed_copy(source: str, target: str, rows_until_killed: int) -> Program:
    """A copy of main that ends by SIGKILL once so many rows are on their way."""
    return Program(_copy_until, source, target, str(rows_until_killed))
