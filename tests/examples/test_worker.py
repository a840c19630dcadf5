"""The worker of examples/: killed in the middle, started again, ended by SIGTERM, fed nonsense."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from examples import worker as worker_module
from examples.worker import book_all, until_it_serves
from openalgo_store import (
    Store,
    Unavailable,
    get_logs,
    get_order,
    get_positions,
    get_trades,
    get_user_by_username,
)
from tests.examples.conftest import USER
from tests.support.served import start
from tests.support.waiting import DEADLINE, wait_until

FILLS = 40


def user_id() -> int:
    user = get_user_by_username(USER)
    assert user is not None
    return user.id


def order(order_id: str, status: str = "OPEN", minute: int = 0) -> dict[str, Any]:
    """The message that tells an order, at 04:00 and so many minutes."""
    told = {
        "order_id": order_id, "user_id": user_id(), "symbol": "RELIANCE", "exchange": "NSE",
        "action": "BUY", "quantity": FILLS, "order_type": "MARKET", "product": "MIS",
        "status": status, "reported_at": f"2026-08-25T04:{minute:02}:00+00:00",
    }  # fmt: skip
    return {"order": told}


def fill(number: int, **changes: Any) -> dict[str, Any]:
    """The message that tells one share of the order A1."""
    told = {
        "order_id": "A1", "trade_id": f"T{number}", "quantity": 1, "price": 100.0,
        "traded_at": f"2026-08-25T04:00:{number:02}+00:00",
    }  # fmt: skip
    return {"fill": told | changes}


@contextmanager
def running_worker() -> Iterator["subprocess.Popen[str]"]:
    worker = start("examples.worker", stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield worker
    finally:
        worker.kill()
        worker.communicate()


def feed(worker: "subprocess.Popen[str]", messages: list[dict[str, Any]]) -> None:
    """Some lines of the stream, which goes on."""
    assert worker.stdin is not None
    worker.stdin.writelines(f"{json.dumps(each)}\n" for each in messages)
    worker.stdin.flush()


def booked() -> list[str]:
    return [each.trade_id for each in get_trades(user_id())]


def test_a_worker_that_is_killed_and_run_again_books_each_fill_once_and_ends_by_sigterm(
    here: Store,
) -> None:
    stream = [order("A1"), *map(fill, range(FILLS))]
    with running_worker() as worker:
        feed(worker, stream[:-5])
        wait_until(lambda: len(booked()) >= 3)
    assert 3 <= len(booked()) < FILLS
    with running_worker() as worker:
        assert worker.stdin is not None
        odd = json.dumps(fill(0, trade_id="T?")).encode().replace(b"?", b"\xff")
        os.write(worker.stdin.fileno(), odd + b"\n")
        feed(worker, stream)
        wait_until(lambda: len(booked()) == FILLS)
        worker.terminate()
        assert worker.wait(DEADLINE) == -signal.SIGTERM
    assert booked() == [f"T{number}" for number in range(FILLS)]
    found = get_order("A1")
    assert found is not None
    assert (found.status, found.fill_quantity) == ("COMPLETE", FILLS)
    assert get_positions(user_id())[0].quantity == FILLS
    logged = {each.message for each in get_logs(logger="worker").entries}
    expected = [f"fill T{number} of order A1: {number + 1} are filled" for number in range(FILLS)]
    assert set(expected[-5:-1]) <= logged  # the last one may be booked and not logged yet


def test_a_fill_waits_for_its_order_and_what_is_wrong_stops_nothing(
    here: Store, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = [7, {}, {"fill": []}, fill(2, price=0), fill(3, traded_at="2026-08-25T04:00:00")]
    stream = [fill(1), fill(1, quantity=2), fill(4), *wrong, order("A1"), fill(1, quantity=3)]
    book_all([*map(json.dumps, stream), "no JSON", "[" * 100_000])
    assert booked() == ["T1", "T4"]
    refused = [line for line in caplog.messages if "is not booked" in line]
    assert [int(line.split()[1]) for line in refused] == [4, 5, 6, 7, 8, 2, 10, 11, 12]


def test_a_day_that_is_told_again_opens_no_order_that_has_ended(here: Store) -> None:
    told = [json.dumps(each) for each in (order("A1"), order("A1", "CANCELLED", minute=5))]
    book_all(told)
    book_all(told[:1])
    found = get_order("A1")
    assert found is not None
    assert found.status == "CANCELLED"


def test_what_a_database_cannot_take_now_is_tried_until_it_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers: list[Exception | str] = [Unavailable("away"), Unavailable("still"), "booked"]

    def unit() -> str:
        if isinstance(answer := answers.pop(0), Exception):
            raise answer
        return answer

    monkeypatch.setattr(worker_module, "PAUSE", 0)
    assert until_it_serves(unit) == "booked"
