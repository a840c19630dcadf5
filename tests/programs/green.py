"""Green threads: `python -m tests.programs.green LIBRARY NAME URLS [ARGUMENT…]`.

LIBRARY is threads, eventlet or gevent, which patches before anything else is imported. Each
program prints what it saw as JSON.
"""

import sys


def patch(library: str) -> None:
    """As a program does that is served by green threads: first of all."""
    if library == "eventlet":
        import eventlet

        eventlet.monkey_patch()
    elif library == "gevent":
        from gevent import monkey

        monkey.patch_all()


if __name__ == "__main__":
    patch(sys.argv[1])

# ruff: noqa: E402
import json
import logging
import os
import signal
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from sqlalchemy import text

import openalgo_store
from openalgo_store import (
    DatabaseLogHandler,
    Settings,
    Store,
    StoreError,
    create_order,
    create_user,
    flush_on_sigterm,
    flush_writers,
    get_positions,
    get_read_session,
    get_symbol,
    get_write_session,
    hash_password,
    record_fill,
    record_latency,
    replace_symbols,
    use_store,
    writer_stats,
)
from openalgo_store.engine.queries import Query
from openalgo_store.security import passwords
from tests.support.arguments import FUNCTIONS, GOOD, needed
from tests.support.rows import ALL_NAMES, MONDAY, add_user, order_row, shares
from tests.support.settings import settings_of, urls_of
from tests.support.waiting import wait_until

LIBRARIES = ("threads", "eventlet", "gevent")
LEFT = 100
"""Rows that wait to be written when SIGTERM comes."""


def start(library: str, name: str, settings: Settings, *arguments: str) -> "subprocess.Popen[str]":
    """Start a program."""
    command = [sys.executable, "-m", "tests.programs.green", library, name, urls_of(settings)]
    pipe = subprocess.PIPE
    return subprocess.Popen([*command, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def start_real_thread(function: Callable[[], None]) -> None:
    """Start a thread of the system, whatever is patched."""
    if patcher := sys.modules.get("eventlet.patcher"):
        patcher.original("_thread").start_new_thread(function, ())
    elif monkey := sys.modules.get("gevent.monkey"):
        monkey.get_original("_thread", "start_new_thread")(function, ())
    else:
        threading.Thread(target=function, daemon=True).start()


class Workers:
    """Threads that do the same at once, green and real ones; what they raised."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.done = 0
        self.started = 0

    def start(self, work: Callable[[], object], *, real: bool = False) -> None:
        self.started += 1
        run = partial(self._run, work)
        if real:
            start_real_thread(run)
        else:
            threading.Thread(target=run, daemon=True).start()

    def _run(self, work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException:
            self.errors.append(traceback.format_exc())
        finally:
            self.done += 1

    def wait(self, timeout: float = 60) -> None:
        deadline = time.monotonic() + timeout
        while self.done < self.started and time.monotonic() < deadline:
            time.sleep(0.01)
        if self.done < self.started:
            self.errors.append(f"{self.started - self.done} hang")


@contextmanager
def heartbeats() -> Iterator[list[float]]:
    """How long a green thread that always wants to go on was kept from it: seconds, each time."""
    gaps: list[float] = []
    running = True

    def beat() -> None:
        while running:
            began = time.perf_counter()
            time.sleep(0.001)
            gaps.append(time.perf_counter() - began - 0.001)

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield gaps
    finally:
        running = False
        thread.join()


def every_function(settings: Settings, count: str) -> None:
    """So many green threads and a real one call each public function, each for its own user.

    And all of them fill orders of one position, so that a lost or doubled fill is seen. It ends by
    SIGTERM with rows that wait to be written.
    """
    called: set[str] = set()
    threads = int(count)
    workers = Workers()
    with Store(settings) as store:
        use_store(store)
        logging.getLogger("app").addHandler(DatabaseLogHandler())
        logging.getLogger("app").isEnabledFor(logging.WARNING)  # keeps it, under a green lock
        shared = create_user("shared", "shared@example.org", GOOD["password_hash"]).id

        def call(name: str, own: dict[str, Any]) -> None:
            called.add(name)
            try:
                found = getattr(openalgo_store, name)(**(needed(name) | own_of(name, own)))
                if name.endswith("_session"):
                    with found as tx:
                        tx.all(ALL_NAMES) if tx.database == "main" else None
            except StoreError:
                pass

        def work(number: int) -> None:
            user = create_user(f"user{number}", f"u{number}@example.org", GOOD["password_hash"])
            own = {
                "user_id": user.id, "username": f"other{number}", "email": f"o{number}@x.org",
                "chat_id": number + 1, "order_id": f"A{number}", "broker": f"broker{number}",
            }  # fmt: skip
            first = ("save_telegram_chat", "create_order", "create_strategy", "save_auth_token")
            for name in (*first, *FUNCTIONS):
                call(name, own)
                logging.getLogger("app").warning("line of %d", number)
            for fill in range(10):
                order_id = f"shared-{number}-{fill}"
                create_order(**order_row(shared, order_id, quantity=1))
                record_fill(order_id, f"T{number}-{fill}", 1, 100.0, MONDAY)

        for number in range(threads):
            workers.start(partial(work, number))
        workers.start(partial(work, threads), real=True)
        workers.wait()
        flushed = flush_writers()
        print(
            json.dumps(
                {
                    "errors": workers.errors,
                    "left_out": sorted(set(FUNCTIONS) - called),
                    "flushed": flushed,
                    "filled": get_positions(shared)[0].quantity,
                    "latencies": writer_stats()["latency"].written,
                    "lines": writer_stats()["logs"].written,
                    "expected_lines": (threads + 1) * (len(FUNCTIONS) + 4),
                }
            ),
            flush=True,
        )
        wait_for_sigterm()


def own_of(name: str, own: dict[str, Any]) -> dict[str, Any]:
    """The arguments of this function that each thread has for itself."""
    return {key: value for key, value in own.items() if key in needed(name)}


def be_busy() -> None:
    """Want to go on all the time."""
    while True:
        time.sleep(0.001)


def end_by_sigterm(settings: Settings, before: str) -> None:
    """Record, say so, and wait for SIGTERM among green threads."""
    use_store(Store(settings))
    if before == "exit":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    wait_for_sigterm()


def wait_for_sigterm() -> None:
    """Leave rows to be written when it comes, among green threads that are busy.

    One of them is in a session that keeps the writer of a SQLite file waiting, and goes on.
    """
    flush_on_sigterm(timeout=20)
    handler: Any = signal.getsignal(signal.SIGTERM)
    is_held = threading.Event()

    def hold() -> None:
        with get_write_session("latency") as tx:
            tx.begin()
            is_held.set()
            while handler._flushing is None:
                time.sleep(0.001)

    for work in (hold, be_busy, be_busy):
        threading.Thread(target=work, daemon=True).start()
    is_held.wait()
    for number in range(LEFT):
        record_latency(f"left{number}", "zerodha", "place_order", MONDAY, MONDAY)
    print("ready", flush=True)
    be_busy()


def wait_for_a_writer(settings: Settings) -> None:
    """Another process holds the file while green threads want to write: others run meanwhile."""
    with Store(settings) as store:
        use_store(store)
        workers = Workers()

        def write() -> None:
            with get_write_session() as tx:
                add_user(tx, "asha")

        def create() -> None:
            create_user("binod", "b@example.org", "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$u4")

        print("ready", flush=True)
        sys.stdin.readline()
        workers.start(write)
        workers.start(create)
        time.sleep(0.1)
        print("waiting", flush=True)  # which is seen only if others run while the two wait
        workers.wait()
        with get_read_session() as tx:
            found = tx.all(ALL_NAMES)
        print(json.dumps({"errors": workers.errors, "users": found}), flush=True)
        os._exit(0)


def load_symbols(settings: Settings, count: str) -> None:
    """How long others are kept from running while symbols are loaded, read and changed.

    The least of three brokers: what the store itself takes is there each time.
    """
    passwords._hasher = PasswordHasher()
    with Store(settings) as store:
        use_store(store)
        workers = Workers()
        stalls: dict[str, list[float]] = {}
        yesterday, today = shares(int(count)), shares(int(count), token="S")

        def step(name: str, function: Callable[..., object], *arguments: object) -> None:
            with heartbeats() as gaps:
                workers.start(partial(function, *arguments))
                workers.wait()
            stalls.setdefault(name, []).append(max(gaps))

        for broker in ("zerodha", "angel", "dhan"):
            step("load", replace_symbols, yesterday, broker)
            step("first lookup", get_symbol, "SHARE1", "NSE", broker)
            step("reload", replace_symbols, today, broker)
            step("password", hash_password, "a long password")
        found = {name: min(seconds) for name, seconds in stalls.items()}
        print(json.dumps({"errors": workers.errors, "stalls": found, "all": stalls}), flush=True)
        os._exit(0)


def log_beside_green_threads(settings: Settings) -> None:
    """The writer's thread logs each statement while green threads log without end."""
    heard: list[str] = []

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record.getMessage())
            time.sleep(0)  # as a handler that writes to a socket lets others run

    logging.getLogger().addHandler(Listening())
    with Store(replace(settings, db_slow_statement=1e-9)) as store:
        use_store(store)
        workers = Workers()

        def record() -> None:
            for number in range(20):
                record_latency(f"row{number}", "zerodha", "place_order", MONDAY, MONDAY)
                flush_writers()

        def log() -> None:
            for number in range(2000):
                logging.getLogger("app").warning("line %d", number)

        workers.start(record)
        workers.start(log)
        workers.start(log)
        workers.wait()

        def count(beginning: str) -> int:
            return sum(each.startswith(beginning) for each in list(heard))

        taken = "copy into latency_metrics took"
        wait_until(lambda: count(taken) >= 20)  # those of the writer's thread are carried over
        lines, slow = count("line"), count(taken)
        print(json.dumps({"errors": workers.errors, "lines": lines, "slow": slow}), flush=True)
        os._exit(0)


def share_few_connections(settings: Settings) -> None:
    """Green threads and a real one wait for connections, and for rows that others hold."""
    few = replace(settings, db_pool_size=2, db_max_overflow=1, db_pool_timeout=10)
    with Store(few) as store:
        use_store(store)
        workers = Workers()
        with get_write_session() as tx:
            add_user(tx, "asha")
        change: Query[None] = Query.of(
            text("UPDATE users SET email = username WHERE username = 'asha'"), None
        )

        def work() -> None:
            for _ in range(10):
                with get_write_session() as tx:
                    tx.run(change)
                    time.sleep(0.002)  # others run, and want the same row

        for number in range(10):
            workers.start(work, real=number == 0)
        workers.wait()
        print(json.dumps({"errors": workers.errors}), flush=True)
        os._exit(0)


def end_green_threads(settings: Settings) -> None:
    """Green threads that are ended from outside inside a session leave nothing held."""
    library = sys.modules.get("eventlet") or sys.modules["gevent"]
    with Store(replace(settings, db_pool_size=2, db_max_overflow=1)) as store:
        use_store(store)
        ended = []

        def write(name: str) -> None:
            try:
                with get_write_session() as tx:
                    add_user(tx, name)
                    time.sleep(60)
            except BaseException as error:
                ended.append(type(error).__name__)
                raise

        for number in range(10):
            green = [library.spawn(write, f"user{number}-{each}") for each in range(3)]
            time.sleep(0.02)  # one holds the lock, or all a connection each; others wait for it
            for each in green:
                each.kill()
        create_user("binod", "b@example.org", GOOD["password_hash"])
        with get_read_session() as tx:
            print(json.dumps({"ended": len(ended), "users": tx.all(ALL_NAMES)}), flush=True)
        os._exit(0)


def main(library: str, name: str, urls: str, *arguments: str) -> None:
    """Run one program."""
    signal.alarm(100)  # never outlive the test
    passwords._hasher = PasswordHasher.from_parameters(CHEAPEST)
    programs = (
        every_function, end_by_sigterm, wait_for_a_writer, load_symbols, log_beside_green_threads,
        share_few_connections, end_green_threads,
    )  # fmt: skip
    {each.__name__: each for each in programs}[name](settings_of(json.loads(urls)), *arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
