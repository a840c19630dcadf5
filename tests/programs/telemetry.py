"""Processes that record: `python -m tests.programs.telemetry NAME URLS [ARGUMENT…]`."""

import atexit
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from types import FrameType

from openalgo_store import (
    DatabaseLogHandler,
    Settings,
    Store,
    flush_on_sigterm,
    flush_writers,
    get_write_session,
    record_latency,
    use_store,
)
from tests.support.chance import chance_of
from tests.support.forked import Program
from tests.support.settings import settings_of, urls_of

START = datetime(2026, 3, 2, 3, 45, tzinfo=UTC)


def start(name: str, settings: Settings, *arguments: str) -> "subprocess.Popen[str]":
    """Start a program, whose interpreter ends as that of any."""
    command = [sys.executable, "-m", "tests.programs.telemetry", name, urls_of(settings)]
    pipe = subprocess.PIPE
    return subprocess.Popen([*command, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def start_at_once(name: str, settings: Settings, *arguments: str) -> Program:
    """The same, where it does not matter how the interpreter ends."""
    return Program(main, name, urls_of(settings), *arguments)


def record(order_id: str) -> None:
    """One row that is known again."""
    record_latency(order_id, "zerodha", "place_order", START, START)


def end_children_by_sigterm(settings: Settings, runs: str) -> None:
    """Children record until SIGTERM; prints how many rows each and the parent had recorded.

    The parent's rows wait in its buffer at every fork.
    """
    chance = chance_of("SIGTERM")
    recorded = {"parent": 0}
    with Store(settings) as store:
        use_store(store)
        for run in range(int(runs)):
            for _ in range(chance.randrange(1, 30)):
                record(f"parent-{recorded['parent']}")
                recorded["parent"] += 1
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:
                _record_until_sigterm(f"child{run}", writer)
            assert os.read(reader, 1) == b"!"
            time.sleep(chance.uniform(0, 0.06))  # wherever it is by then
            os.kill(child, signal.SIGTERM)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
            recorded[f"child{run}"] = int(os.read(reader, 100))
    print(json.dumps(recorded))


def _record_until_sigterm(name: str, pipe: int) -> None:
    """Record, flush now and then, and end by the signal, having said how many were recorded."""
    chance, recorded = chance_of(name), 0

    def report(number: int, frame: FrameType | None) -> None:
        os.write(pipe, str(recorded).encode())
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)

    signal.signal(signal.SIGTERM, report)
    flush_on_sigterm(timeout=30)
    os.write(pipe, b"!")
    while True:
        record(f"{name}-{recorded}")
        recorded += 1
        if chance.random() < 0.02:
            flush_writers()
        if chance.random() < 0.05:
            time.sleep(0.001)


def record_until_killed(settings: Settings) -> None:
    """Prints how many rows were recorded, again and again."""
    with Store(settings) as store:
        use_store(store)
        recorded = 0
        while True:
            record(f"killed-{recorded}")
            recorded += 1
            print(recorded, flush=True)
            time.sleep(0.002)


def end_inside_a_session(settings: Settings) -> None:
    """SIGTERM comes while the main thread itself keeps the writer from writing."""
    with Store(settings) as store:
        use_store(store)
        flush_on_sigterm(timeout=0.3)
        with get_write_session("latency") as tx:
            tx.connection.exec_driver_sql("DELETE FROM latency_metrics")
            record("never written, or at last")
            signal.raise_signal(signal.SIGTERM)
            threading.Event().wait()


def exit_inside_a_session(settings: Settings) -> None:
    """As end_inside_a_session, where the handler of before raises SystemExit."""
    use_store(Store(settings))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
    flush_on_sigterm(timeout=0.3)
    with get_write_session("latency") as tx:
        tx.connection.exec_driver_sql("DELETE FROM latency_metrics")
        record("kept back")
        signal.raise_signal(signal.SIGTERM)


def end_inside_a_lock(settings: Settings) -> None:
    """SIGTERM comes where the main thread holds the lock of a handler that the writer needs."""
    logging.getLogger("sqlalchemy").setLevel(logging.INFO)
    handler = logging.FileHandler(os.devnull)
    logging.getLogger("sqlalchemy").addHandler(handler)
    with Store(settings) as store:
        use_store(store)
        flush_on_sigterm(timeout=0.3)
        lock = handler.lock
        assert lock is not None
        with lock:
            record("never written")
            signal.raise_signal(signal.SIGTERM)
            threading.Event().wait()


def log_and_fork(settings: Settings) -> None:
    """Lines that wait at a fork are the parent's; each process writes its own when it ends."""
    with Store(settings) as store:
        use_store(store)
        handler = DatabaseLogHandler()
        logging.getLogger("app").addHandler(handler)
        for number in range(3):
            logging.getLogger("app").warning("before fork %d", number)
            child = os.fork()
            if child == 0:
                logging.getLogger("app").warning("child %d", number)
                sys.exit(0 if flush_writers() else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        logging.getLogger("app").warning("after the forks")


def record_and_end(settings: Settings, how: str) -> None:
    """End in one way or another without closing the store, recording on the way out too."""
    use_store(Store(settings))
    atexit.register(record, "by a callback")
    for number in range(1000):
        record(f"row-{number}")
    if how == "exit":
        sys.exit(0)
    if how == "error":
        raise RuntimeError("the program has a bug")


def main(name: str, urls: str, *arguments: str) -> None:
    """Run one program."""
    signal.alarm(100)  # never outlive the test
    programs = (
        end_children_by_sigterm, end_inside_a_lock, end_inside_a_session, exit_inside_a_session,
        log_and_fork, record_until_killed, record_and_end,
    )  # fmt: skip
    {each.__name__: each for each in programs}[name](settings_of(json.loads(urls)), *arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
