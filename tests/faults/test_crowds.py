"""Many processes and threads write one database at once: nobody is refused, nothing is lost."""

import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection

import pytest

from openalgo_store import (
    LIVE,
    Store,
    StoreError,
    bulk_update_holdings,
    create_order,
    create_user,
    get_holdings,
    get_write_session,
    use_store,
)
from tests.contract.accounts.conftest import MARKS
from tests.faults.report import REPORT
from tests.support.chance import SOAK
from tests.support.forked import Forked
from tests.support.rows import contents, order_row
from tests.support.settings import settings_of, urls_of

PROCESSES, THREADS = (8, 4) if SOAK else (3, 2)
WRITES = 250 if SOAK else 5
"""Of each thread."""
HOLDING = {"user_id": 1, "broker": "zerodha", "symbol": "SBIN", "exchange": "NSE"}
pytestmark = pytest.mark.timeout(600)


def test_processes_and_threads_that_write_at_once(store: Store, engine_name: str) -> None:
    """Each transaction adds an order and one to a counter, which it has read."""
    create_user("asha", "asha@example.org", MARKS)
    bulk_update_holdings([HOLDING | {"quantity": 0}])
    writers = [Forked(write, urls_of(store.settings), name) for name in range(PROCESSES)]
    for writer in writers:
        assert writer.hear() == "ready"
    for writer in writers:
        writer.send("go")
    said = [json.loads(writer.end()[-1]) for writer in writers]
    times = sorted(seconds for each in said for seconds in each["seconds"])
    errors = [error for each in said for error in each["errors"]]
    written = PROCESSES * THREADS * WRITES
    is_sound = not errors and len(contents(LIVE)["orders"]) == written
    is_sound = is_sound and get_holdings(1)[0].quantity == written
    row = REPORT.row(f"{PROCESSES} processes × {THREADS} threads write", engine_name)
    p50, p99 = (times[int(len(times) * share)] * 1000 for share in (0.5, 0.99))
    row.add(f"{written:,} transactions, {len(errors)} errors", is_sound=is_sound)
    row.measured.append(f"p50 {p50:.0f}, p99 {p99:.0f}, longest {times[-1] * 1000:.0f} ms")
    assert is_sound, errors


def write(line: Connection, urls: str, name: int) -> None:
    """Write with several threads as soon as told; the seconds of each, and errors."""
    signal.alarm(500)  # never outlive the test
    seconds: list[float] = []
    errors: list[str] = []
    with line, Store(settings_of(json.loads(urls))) as store, use_store(store):
        line.send("ready")
        line.recv()

        def work(thread: int) -> None:
            for number in range(WRITES):
                began = time.monotonic()
                try:
                    write_once(f"{name}-{thread}-{number}")
                except StoreError as error:
                    errors.append(str(error))
                seconds.append(time.monotonic() - began)

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(work, range(THREADS)))
        line.send(json.dumps({"seconds": seconds, "errors": errors}))


def write_once(order_id: str) -> None:
    """The counter first: it is read and written under the lock of its row."""
    with get_write_session() as tx:
        bulk_update_holdings([HOLDING | {"average_price": 1.0}], tx=tx)
        (counter,) = get_holdings(1, tx=tx)
        bulk_update_holdings([HOLDING | {"quantity": counter.quantity + 1}], tx=tx)
        create_order(**order_row(1, order_id), tx=tx)
