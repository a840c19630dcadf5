"""Many workers: every message is delivered once, and each chat hears in order."""

import json
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from openalgo_store import (
    Store,
    TelegramMessage,
    authorize_telegram_chat,
    get_read_session,
    get_write_session,
    queue_telegram_message,
    save_telegram_chat,
)
from openalgo_store.engine.queries import Query
from openalgo_store.tables.messaging import telegram_messages
from tests.programs.databases import result_of
from tests.programs.telegram import deliveries, start
from tests.support.chance import chance_of
from tests.support.processes import let_go, wait_until_ready

CHATS = [number - 100 for number in range(200)]
WORKERS = 8
DEADLINE = 500
MESSAGES = Query.of(select(telegram_messages), TelegramMessage)


def queue_messages(count: int) -> dict[int, list[str]]:
    """So many messages, to chats at random; the contents by chat, in order."""
    chosen = chance_of("chats of messages")
    queued: dict[int, list[str]] = {chat_id: [] for chat_id in CHATS}
    with get_write_session("telegram") as tx:
        for chat_id in CHATS:
            save_telegram_chat(chat_id, tx=tx)
            authorize_telegram_chat(chat_id, tx=tx)
        for number in range(count):
            chat_id = chosen.choice(CHATS)
            queue_telegram_message(chat_id, "order", f"message {number}", tx=tx)
            queued[chat_id].append(f"message {number}")
    return queued


def check(folder: Path, queued: dict[int, list[str]]) -> None:
    """Every message was sent once, and those of a chat in the order of the queue."""
    heard: dict[int, list[str]] = {chat_id: [] for chat_id in queued}
    for delivery in deliveries(folder):
        heard[delivery.chat_id].append(delivery.content)
    assert heard == queued


def stored() -> list[TelegramMessage]:
    with get_read_session("telegram") as tx:
        return tx.all(MESSAGES)


@pytest.mark.timeout(600)
def test_eight_workers_deliver_every_message_once_and_in_order(
    store: Store, tmp_path: Path, soak: Callable[[int], int]
) -> None:
    queued = queue_messages(soak(5_000))
    workers = [
        start("deliver", store.settings, tmp_path / f"{number}.log") for number in range(WORKERS)
    ]
    wait_until_ready(*workers)
    let_go(*workers)
    claims = [result_of(worker, DEADLINE) for worker in workers]
    check(tmp_path, queued)
    assert all(each.delivered and each.attempts == 1 for each in stored())
    assert sum(each > 0 for each in claims) > 1, "one worker did everything"


@pytest.mark.timeout(600)
def test_what_a_killed_worker_held_is_delivered_by_others_after_its_lease(
    store: Store, tmp_path: Path, soak: Callable[[int], int]
) -> None:
    queued = queue_messages(soak(2_000))
    doomed = start("deliver_and_hang", store.settings, tmp_path / "doomed.log")
    others = [start("deliver", store.settings, tmp_path / f"{number}.log") for number in range(3)]
    wait_until_ready(doomed)
    let_go(doomed)
    assert doomed.stdout is not None
    held = json.loads(doomed.stdout.readline())
    wait_until_ready(*others)
    let_go(*others)
    doomed.kill()
    doomed.communicate()
    assert doomed.returncode == -signal.SIGKILL
    for worker in others:
        result_of(worker, DEADLINE)
    check(tmp_path, queued)
    attempts = Counter(each.attempts for each in stored())
    assert attempts == {1: sum(map(len, queued.values())) - len(held), 2: len(held)}
    assert {each.id for each in stored() if each.attempts == 2} == set(held)
