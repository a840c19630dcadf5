"""Processes that deliver messages."""

import json
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import func, select

from openalgo_store import (
    Settings,
    Store,
    TelegramMessage,
    claim_telegram_messages,
    get_read_session,
    mark_telegram_delivered,
    use_store,
)
from openalgo_store.engine.queries import Query
from openalgo_store.tables.messaging import telegram_messages
from tests.support.forked import Program
from tests.support.settings import settings_of, urls_of

BATCH = 10
DEAD_LEASE = 0.5
"""Seconds of the lease of the worker that dies."""
WAITING = Query.of(
    select(func.count()).select_from(telegram_messages).where(~telegram_messages.c.delivered), int
)


class Delivery(NamedTuple):
    """What a worker sent; moment in nanoseconds of the clock that all processes share."""

    moment: int
    chat_id: int
    content: str


def start(name: str, settings: Settings, log: Path) -> Program:
    """Start a program."""
    return Program(main, name, urls_of(settings), str(log))


def deliveries(folder: Path) -> list[Delivery]:
    """What all workers of this folder sent, in the order in which they did."""
    lines = [line for log in folder.glob("*.log") for line in log.read_text().splitlines()]
    return sorted(Delivery(*json.loads(line)) for line in lines)


def send(message: TelegramMessage, log: Path) -> None:
    """Note the delivery of a message, and mark it."""
    delivery = Delivery(time.monotonic_ns(), message.chat_id, message.content)
    with log.open("a") as lines:
        lines.write(json.dumps(delivery) + "\n")
    assert message.claim is not None
    mark_telegram_delivered(message.id, message.claim)


def deliver(log: Path) -> None:
    """Claim and send until every message is delivered."""
    print("ready", flush=True)
    sys.stdin.readline()
    claims = 0
    while True:
        messages = claim_telegram_messages(BATCH)
        for message in messages:
            send(message, log)
        claims += bool(messages)
        with get_read_session("telegram") as tx:
            if not messages and not tx.value(WAITING):
                break
        time.sleep(0 if messages else 0.005)  # as a worker does that found nothing
    print(json.dumps(claims))


def deliver_and_hang(log: Path) -> None:
    """Send a few messages, claim some more, and hold these until the process is killed."""
    print("ready", flush=True)
    sys.stdin.readline()
    for message in claim_telegram_messages(BATCH):
        send(message, log)
    held: list[TelegramMessage] = []
    while not held:
        held = claim_telegram_messages(BATCH, lease=timedelta(seconds=DEAD_LEASE))
    print(json.dumps([each.id for each in held]), flush=True)
    signal.pause()


def main(name: str, urls: str, log: str) -> None:
    """Run one program."""
    signal.alarm(600)  # never outlive the test
    with Store(settings_of(json.loads(urls))) as store:
        use_store(store)
        {each.__name__: each for each in (deliver, deliver_and_hang)}[name](Path(log))
