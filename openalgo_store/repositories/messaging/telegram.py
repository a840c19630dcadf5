"""Telegram: who may hear from the bot, and a queue for each chat that keeps its order."""

from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import uuid4

from sqlalchemy import Boolean, bindparam, select

from ...engine.expected import expect_one
from ...engine.pagination import MOST_ROWS, row_limit
from ...engine.queries import Query
from ...engine.sql_files import SqlFile
from ...engine.transaction import Transaction
from ...errors import Conflict, InvalidInput, NotFound
from ...records.messaging import TelegramChat, TelegramMessage
from ...security.redaction import cut, redacted
from ...sessions import reading, writing
from ...tables.messaging import telegram_chats, telegram_messages
from ...tables.types import PlainText, UTCDateTime, Whole
from ...values import clock
from ...values.arguments import duration, one_or_more, true_or_false
from ..purging import BATCH, purge_rows
from ..shapes import equal, given

LEASE = timedelta(seconds=60)
MAX_ATTEMPTS = 5

_WORKER_LOST = "the worker's lease ran out: it died, or took too long"
_ERROR_LENGTH = 500

_sql = SqlFile("messaging/telegram.sql", telegram_chats, telegram_messages)
_now = UTCDateTime()
_save_chat = _sql.query("save_chat", TelegramChat)
_get_chat = _sql.query("get_chat", TelegramChat)
_authorize_chat = _sql.command("authorize_chat")
_set_notifications = _sql.command("set_notifications", enabled=Boolean())
_lock_chat = _sql.query("lock_chat", bool)
_queue_message = _sql.query("queue_message", TelegramMessage)
_find_waiting = _sql.query("find_waiting", int)
_lock_free = _sql.query("lock_free", TelegramMessage, now=_now, row_limit=Whole())
_claim_message = _sql.command("claim_message")
_park_message = _sql.command("park_message")
_mark_delivered = _sql.command("mark_delivered", message_id=Whole(), now=_now)
_fail_message = _sql.query(
    "fail_message", TelegramMessage, message_id=Whole(), error=PlainText(), retry_at=_now, now=_now
)
_get_message = _sql.query("get_message", TelegramMessage, message_id=Whole())


@cache
def _list_chats(asked: frozenset[str]) -> Query[TelegramChat]:
    """At most `row_limit` behind `after` of what is asked for, in the order in which it came."""
    found = select(*(telegram_chats.c[name] for name in TelegramChat._fields))
    found = found.where(
        telegram_chats.c.id > bindparam("after", type_=Whole), *equal(telegram_chats, asked)
    )
    most = bindparam("row_limit", type_=Whole)
    return Query.of(found.order_by(telegram_chats.c.id).limit(most), TelegramChat)


# Chats


def save_telegram_chat(
    chat_id: int,
    user_id: int | None = None,
    username: str | None = None,
    *,
    tx: Transaction | None = None,
) -> TelegramChat:
    """Keep a chat, new or known, under Telegram's id of it (64 bits, negative for groups).

    A new one is not authorised. Of a known one only what is given changes; if that is another
    user, or the first one, the authorisation ends.
    """
    with writing("telegram", tx) as tx:
        return expect_one(
            tx,
            _save_chat,
            chat_id=chat_id,
            user_id=user_id,
            username=username,
            created_at=clock.now(),
        )


def get_telegram_chat(chat_id: int, *, tx: Transaction | None = None) -> TelegramChat | None:
    """The chat with this id of Telegram's, or None."""
    with reading("telegram", tx) as tx:
        return tx.one(_get_chat, chat_id=chat_id)


def list_telegram_chats(
    user_id: int | None = None,
    is_authorized: bool | None = None,
    notification_enabled: bool | None = None,
    *,
    after: int = 0,
    limit: int = MOST_ROWS,
    tx: Transaction | None = None,
) -> list[TelegramChat]:
    """The chats that are as asked for, in the order in which they came; None asks for nothing.

    At most `limit`, up to 1,000: read on with the id of the last one as `after`, until none comes.
    """
    most = row_limit("limit", limit)
    for name, flag in (
        ("is_authorized", is_authorized),
        ("notification_enabled", notification_enabled),
    ):
        if flag is not None:
            true_or_false(name, flag)
    asked = given(
        user_id=user_id, is_authorized=is_authorized, notification_enabled=notification_enabled
    )
    with reading("telegram", tx) as tx:
        query = _list_chats(frozenset(asked))
        return tx.all(query, after=after, row_limit=most, **asked)


def authorize_telegram_chat(
    chat_id: int,
    user_id: int | None = None,
    is_authorized: bool = True,
    *,
    tx: Transaction | None = None,
) -> None:
    """Let a chat hear from the bot, or no longer; user_id says whose chat it is.

    Without user_id that stays as it was. NotFound for an unknown chat.
    """
    change = {"user_id": user_id, "is_authorized": true_or_false("is_authorized", is_authorized)}
    with writing("telegram", tx) as tx:
        if not tx.run(_authorize_chat, chat_id=chat_id, **change):
            raise _unknown_chat(chat_id)


def set_telegram_notifications(
    chat_id: int, enabled: bool, *, tx: Transaction | None = None
) -> None:
    """Turn a chat's messages on or off; NotFound for an unknown chat."""
    true_or_false("enabled", enabled)
    with writing("telegram", tx) as tx:
        if not tx.run(_set_notifications, chat_id=chat_id, enabled=enabled):
            raise _unknown_chat(chat_id)


# Messages


def queue_telegram_message(
    chat_id: int,
    message_type: str,
    content: str,
    *,
    max_attempts: int = MAX_ATTEMPTS,
    tx: Transaction | None = None,
) -> TelegramMessage | None:
    """Queue a message behind the others of its chat; after so many attempts it is parked.

    message_type is order, alert, error or a word of your own. None, and nothing is queued, for a
    chat that is not authorised or has its notifications off. NotFound for an unknown chat.
    """
    max_attempts = one_or_more("max_attempts", max_attempts)
    with writing("telegram", tx) as tx:
        wants_messages = tx.value(_lock_chat, chat_id=chat_id)
        if wants_messages is None:
            raise _unknown_chat(chat_id)
        if not wants_messages:
            return None
        return tx.one(
            _queue_message,
            chat_id=chat_id,
            message_type=message_type,
            content=content,
            created_at=clock.now(),
            max_attempts=max_attempts,
        )


def claim_telegram_messages(
    limit: int = 10, lease: timedelta = LEASE, *, tx: Transaction | None = None
) -> list[TelegramMessage]:
    """Messages to deliver now, each with a claim that mark and fail need; oldest first.

    Of a chat only the oldest that waits, and only if nobody holds it. A claim holds until it is
    marked or failed, or until the lease is over: then the next worker gets the message, the dead
    one's attempt counted. A chat that is not authorised any more, or has its notifications off,
    waits. Empty means that there is nothing to do now: ask again later.
    """
    row_limit("limit", limit)
    duration("lease", lease, at_least=timedelta(microseconds=1))
    with reading("telegram", tx) as session:
        if session.value(_find_waiting) is None:
            return []
    with writing("telegram", tx) as session:
        now = _now_inside(session)
        free = session.all(_lock_free, now=now, row_limit=limit)
        while spent := [each for each in free if each.attempts >= each.max_attempts]:
            session.many(_park_message, [_parking(each, now) for each in spent])
            free = session.all(_lock_free, now=now, row_limit=limit)
        claimed = [_claimed(each, now + lease) for each in free]
        session.many(_claim_message, [_claiming(each) for each in claimed])
    return claimed


def mark_telegram_delivered(message_id: int, claim: str, *, tx: Transaction | None = None) -> None:
    """The message was sent; the next one of its chat is free.

    A lease that ran out still counts until another worker claims the message. From then on it is
    a Conflict, as for a message that is delivered or parked; NotFound for an unknown one.
    """
    with writing("telegram", tx) as tx:
        now = _now_inside(tx)
        if not tx.run(_mark_delivered, message_id=message_id, claim=claim, now=now):
            raise _lost_claim(message_id, tx)


def fail_telegram_message(
    message_id: int,
    claim: str,
    error: str,
    *,
    retry_after: timedelta = timedelta(),
    tx: Transaction | None = None,
) -> TelegramMessage:
    """The message could not be sent; as it is now: free again, or parked after its last attempt.

    Its chat rests for `retry_after`, as Telegram asks of whoever sends too much. The first 500
    characters of the error are kept, without tokens. Raises what mark_telegram_delivered does.
    """
    if not isinstance(error, str):
        raise InvalidInput(f"error: text is needed, as in str(error), not {type(error).__name__}")
    duration("retry_after", retry_after)
    with writing("telegram", tx) as tx:
        now = _now_inside(tx)
        failed = tx.one(
            _fail_message,
            message_id=message_id,
            claim=claim,
            error=cut(redacted(error), _ERROR_LENGTH),
            retry_at=now + retry_after,
            now=now,
        )
        if failed is None:
            raise _lost_claim(message_id, tx)
        return failed


def purge_telegram_messages(
    before: datetime,
    *,
    batch_size: int = BATCH,
    dry_run: bool = False,
    tx: Transaction | None = None,
) -> int:
    """Delete what was delivered or parked before that, in small transactions; how many.

    A message that waits is never purged, however old. A dry run counts and deletes nothing.
    """
    ends = (telegram_messages.c.sent_at, telegram_messages.c.parked_at)
    options: dict[str, Any] = {"batch_size": batch_size, "dry_run": dry_run, "tx": tx}
    return sum(purge_rows("telegram", telegram_messages, end, before, **options) for end in ends)


def _now_inside(tx: Transaction) -> datetime:
    """The time once the transaction has begun, for which it may wait on SQLite."""
    tx.begin()
    return clock.now()


def _claimed(message: TelegramMessage, until: datetime) -> TelegramMessage:
    """As it is once it is claimed, by a token that nobody can guess."""
    return message._replace(claim=uuid4().hex, held_until=until, attempts=message.attempts + 1)


def _claiming(message: TelegramMessage) -> dict[str, Any]:
    return {"id": message.id, "claim": message.claim, "held_until": message.held_until}


def _parking(message: TelegramMessage, now: datetime) -> dict[str, Any]:
    return {"id": message.id, "parked_at": now, "last_error": _WORKER_LOST}


def _unknown_chat(chat_id: int) -> NotFound:
    return NotFound(f"there is no Telegram chat {chat_id}: save_telegram_chat makes it known")


def _lost_claim(message_id: int, tx: Transaction) -> NotFound | Conflict:
    """Why a claim is not the message's."""
    message = tx.one(_get_message, message_id=message_id)
    if message is None:
        return NotFound(f"there is no Telegram message {message_id}")
    state = (
        "is delivered"
        if message.delivered
        else "is parked"
        if message.parked_at
        else "is another worker's now, or free"
    )
    return Conflict(f"message {message_id} {state}: this claim of it has ended, claim anew")
