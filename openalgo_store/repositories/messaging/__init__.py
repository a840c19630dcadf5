"""Chats of the Telegram bot, and a queue for each."""

from ...records.messaging import TelegramChat, TelegramMessage
from .telegram import (
    authorize_telegram_chat,
    claim_telegram_messages,
    fail_telegram_message,
    get_telegram_chat,
    list_telegram_chats,
    mark_telegram_delivered,
    purge_telegram_messages,
    queue_telegram_message,
    save_telegram_chat,
    set_telegram_notifications,
)

__all__ = [
    "TelegramChat",
    "TelegramMessage",
    "authorize_telegram_chat",
    "claim_telegram_messages",
    "fail_telegram_message",
    "get_telegram_chat",
    "list_telegram_chats",
    "mark_telegram_delivered",
    "purge_telegram_messages",
    "queue_telegram_message",
    "save_telegram_chat",
    "set_telegram_notifications",
]
