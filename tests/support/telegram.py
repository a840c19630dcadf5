"""Chats and messages for the tests of the queue."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from openalgo_store import (
    TelegramMessage,
    claim_telegram_messages,
    get_read_session,
    queue_telegram_message,
)
from openalgo_store.engine.queries import Query
from openalgo_store.tables.messaging import telegram_messages

BEGAN = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
GROUP = -1001234567890123
MESSAGES = Query.of(select(telegram_messages).order_by(telegram_messages.c.id), TelegramMessage)


class Clock:
    """The time as the store sees it."""

    def __init__(self) -> None:
        self.now = BEGAN

    def go_on(self, time: timedelta) -> None:
        self.now += time


def queue(chat_id: int, content: str, **options: Any) -> TelegramMessage:
    """A message that is really queued."""
    message = queue_telegram_message(chat_id, "order", content, **options)
    assert message is not None
    return message


def claim_one(**options: Any) -> tuple[int, str]:
    """The one message to deliver now: its id and its claim."""
    (message,) = claim_telegram_messages(**options)
    assert message.claim is not None
    return message.id, message.claim


def contents(messages: list[TelegramMessage]) -> list[str]:
    return [each.content for each in messages]


def stored() -> list[TelegramMessage]:
    with get_read_session("telegram") as tx:
        return tx.all(MESSAGES)
