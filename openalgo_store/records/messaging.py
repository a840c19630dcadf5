"""The state of the Telegram bot."""

from datetime import datetime
from typing import NamedTuple


class TelegramChat(NamedTuple):
    """A chat of the bot. chat_id is Telegram's id of it, user_id whose it is."""

    id: int
    chat_id: int
    user_id: int | None
    username: str | None
    is_authorized: bool
    notification_enabled: bool
    created_at: datetime


class TelegramMessage(NamedTuple):
    """A message for a chat: it waits, and then it is delivered (sent_at) or parked (parked_at).

    claim is the token of the worker that has it; before held_until nobody else can claim it.
    """

    id: int
    chat_id: int
    message_type: str
    content: str
    sent_at: datetime | None
    delivered: bool
    created_at: datetime
    attempts: int
    max_attempts: int
    last_error: str | None
    claim: str | None
    held_until: datetime | None
    parked_at: datetime | None
