"""A process that does a bit of everything, over and over, and tells what it holds meanwhile."""

import gc
import json
import logging
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import select

from openalgo_store import (
    Conflict,
    DatabaseLogHandler,
    InvalidInput,
    NotFound,
    Store,
    bulk_update_positions,
    claim_telegram_messages,
    create_api_key,
    create_order,
    flush_writers,
    get_auth_token,
    get_order,
    get_orders_after,
    get_positions,
    get_read_session,
    get_symbol_token,
    get_user_by_api_key,
    mark_telegram_delivered,
    queue_telegram_message,
    record_fill,
    record_latency,
    replace_symbols,
    revoke_api_key,
    save_auth_token,
    update_order_status,
    use_store,
)
from openalgo_store.engine.queries import Query
from openalgo_store.engine.sqlite import connections
from openalgo_store.settings import DATABASES
from openalgo_store.values import clock
from tests.faults.operations import with_secrets
from tests.support.chance import chance_of
from tests.support.rows import MONDAY, order_row, shares
from tests.support.settings import settings_of
from tests.support.waiting import DEADLINE

THREADS = 4
PARTS = 4
_PAGE = os.sysconf("SC_PAGE_SIZE")
KEY = "an API key that lasts, long enough"
_ONE = Query.of(select(1), int)
_log = logging.getLogger("mixture")


class Mixture:
    """What one thread does, and how often it has done what leaves a row."""

    def __init__(self, thread: int) -> None:
        self.done: Counter[str] = Counter()
        self._chance = chance_of(f"mixture of {thread}")
        self._thread = thread
        self._numbers = count()
        self._order_id = "none"
        choices: dict[Callable[[Random], object], int] = {
            lambda _: get_user_by_api_key(KEY): 20,
            lambda chance: get_symbol_token(f"SHARE{chance.randrange(60)}", "NSE", "zerodha"): 20,
            lambda _: get_auth_token(1, "zerodha", only=("access_token",)): 8,
            lambda _: get_order(self._order_id): 10,
            lambda _: get_positions(1): 8,
            lambda _: get_orders_after(1, limit=20): 6,
            self._trade: 6,
            self._place: 6,
            self._record: 6,
            self._log: 2,
            self._fail: 4,
            self._save: 2,
            self._issue: 1,
            self._tell: 1,
        }
        self._calls, self._weights = list(choices), list(choices.values())

    def run(self, calls: int) -> None:
        """So many calls."""
        for call in self._chance.choices(self._calls, self._weights, k=calls):
            call(self._chance)
        if self._thread == 0:
            replace_symbols(shares(50, token=f"{next(self._numbers)}-"), "zerodha")

    def _place(self, chance: Random) -> None:
        self._order_id = f"{self._thread}-{next(self._numbers)}"
        symbol = f"SHARE{chance.randrange(50)}"
        create_order(**order_row(1, self._order_id, symbol=symbol))
        self.done["orders"] += 1

    def _trade(self, chance: Random) -> None:
        """An order with two fills, which is then cancelled."""
        self._place(chance)
        for trade in "AB":
            record_fill(self._order_id, trade, 30, 812.35, clock.now())
            self.done["trades"] += 1
        update_order_status(self._order_id, "CANCELLED")
        place = {"user_id": 1, "broker": "zerodha", "exchange": "NSE", "product": "CNC"}
        symbol = f"SHARE{chance.randrange(50)}"
        bulk_update_positions([place | {"symbol": symbol, "last_price": 800.0}])

    def _record(self, chance: Random) -> None:
        record_latency(self._order_id, "zerodha", "place_order", MONDAY, MONDAY)
        self.done["latency_metrics"] += 1

    def _log(self, chance: Random) -> None:
        _log.warning("line %d", next(self._numbers))
        self.done["application_logs"] += 1

    def _fail(self, chance: Random) -> None:
        try:
            match chance.randrange(3):
                case 0:
                    create_order(**order_row(1, self._order_id, quantity=0))
                case 1:
                    update_order_status("there is none", "CANCELLED")
                case _:
                    create_order(**order_row(1, self._order_id))
                    self.done["orders"] += 1  # it was the first one
        except (Conflict, InvalidInput, NotFound):
            pass

    def _save(self, chance: Random) -> None:
        save_auth_token(1, "zerodha", f"an access token of thread {self._thread}")

    def _issue(self, chance: Random) -> None:
        revoke_api_key(create_api_key(1).id)
        self.done["api_keys"] += 1

    def _tell(self, chance: Random) -> None:
        queue_telegram_message(1, "order", "filled")
        self.done["telegram_messages"] += 1
        for message in claim_telegram_messages(2):
            mark_telegram_delivered(message.id, message.claim or "")


def mix(line: Connection, urls: str, calls: int) -> None:
    """Say after each quarter what is held, and at the end what was done."""
    signal.alarm(1500)  # never outlive the test
    logging.getLogger("mixture").addHandler(DatabaseLogHandler())
    logging.getLogger("mixture").propagate = False
    with line, Store(with_secrets(settings_of(json.loads(urls)))) as store, use_store(store):
        open_all(THREADS + 1)
        mixtures = [Mixture(thread) for thread in range(THREADS)]
        with ThreadPoolExecutor(THREADS) as pool:
            for _ in range(PARTS):
                rounds = 20  # of a quarter; after each a new master
                for _ in range(rounds):
                    each = calls // (PARTS * rounds * THREADS)
                    list(pool.map(lambda mixture, each=each: mixture.run(each), mixtures))
                assert flush_writers()
                line.send(json.dumps(held(store)))
        line.send(json.dumps(sum((each.done for each in mixtures), Counter())))


def open_all(threads: int) -> None:
    """Have so many sessions of each database at once: no more connections are needed later on."""
    together = threading.Barrier(threads)

    def read(_: int) -> None:
        for database in DATABASES:
            with get_read_session(database) as tx:
                tx.value(_ONE)
                together.wait(DEADLINE)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(read, range(threads)))


def held(store: Store) -> dict[str, Any]:
    """What a process may not hold ever more of; what the collector would find is not held."""
    gc.collect()
    pools = [each.engine.pool for each in store.dialects if each.name == "postgresql"]
    return {
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "connections": len(connections._OPEN.all())
        + sum(pool.checkedin() + pool.checkedout() for pool in pools),  # type: ignore[attr-defined]
        "threads": threading.active_count(),
        "MB": int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE / 1e6,
    }
