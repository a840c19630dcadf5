"""What changes symbols, messages, measurements and log lines."""

import logging
from contextlib import suppress
from datetime import timedelta

from openalgo_store import (
    DatabaseLogHandler,
    StoreError,
    SymbolLoadRefused,
    TelegramMessage,
    authorize_telegram_chat,
    bulk_insert_symbols,
    claim_telegram_messages,
    fail_telegram_message,
    mark_telegram_delivered,
    purge_latency,
    purge_logs,
    purge_telegram_messages,
    queue_telegram_message,
    record_latency,
    replace_symbols,
    save_telegram_chat,
    set_telegram_notifications,
    symbol_loads,
)
from tests.faults.operation import EARLIER, Operation, RowsWait, earlier, flush
from tests.support.rows import shares
from tests.support.telegram import MINUTE, stored

PURGED = 5
"""Rows that are as old as each other, and go in batches of two."""

# Symbols


def load(number: int) -> None:
    """Twenty symbols: one comes, one goes, all have new tokens."""
    replace_symbols(shares(25, token=f"T{number}-")[number % 5 : number % 5 + 20], "zerodha")


def load_a_stub(number: int) -> None:
    """Refused, which is kept in a transaction of its own; a failure of that is only logged."""
    with suppress(SymbolLoadRefused):
        replace_symbols(shares(1), "zerodha")
    try:
        errors = [each.error or "" for each in symbol_loads("zerodha", limit=100)]
    except StoreError:  # of the look, and not of the load
        raise RowsWait from None
    if sum(each.startswith(SymbolLoadRefused.__name__) for each in errors) <= number:
        raise RowsWait


def load_some(number: int) -> None:
    bulk_insert_symbols(shares(6, token=f"U{number}-")[number % 3 :], "zerodha")


# Messages


def add_chats(count: int) -> None:
    for number in range(count):
        save_telegram_chat(number + 1)
        authorize_telegram_chat(number + 1)


def queue(number: int) -> None:
    queue_telegram_message(number + 1, "order", f"message {number}")


def queue_behind_spent_ones(count: int) -> None:
    """In each chat a message whose only attempt came to nothing, and one that waits behind it."""
    add_chats(count)
    with earlier():
        for number in range(count):
            queue_telegram_message(number + 1, "order", "spent", max_attempts=1)
            queue(number)
        claim_telegram_messages(count, lease=timedelta(microseconds=1))


def hold(count: int) -> None:
    add_chats(count)
    for number in range(count):
        queue(number)
    assert len(claim_telegram_messages(count)) == count


def message(number: int) -> TelegramMessage:
    return next(each for each in stored() if each.content == f"message {number}")


def deliver(number: int) -> None:
    mark_telegram_delivered(message(number).id, message(number).claim or "")


def fail(number: int) -> None:
    fail_telegram_message(message(number).id, message(number).claim or "", f"error {number}")


def deliver_many(count: int) -> None:
    """Some in each minute of an hour ago."""
    add_chats(PURGED)
    for number in range(count):
        with earlier(number):
            for chat in range(PURGED):
                queue(chat)
            for each in claim_telegram_messages(PURGED):
                mark_telegram_delivered(each.id, each.claim or "")


# Measurements and log lines


def measure(number: int) -> None:
    for each in range(3):
        record_latency(f"{number}-{each}", "zerodha", "place_order", EARLIER, EARLIER + MINUTE)
    flush()


def measure_many(count: int) -> None:
    for number in range(count):
        began = EARLIER + number * MINUTE
        for each in range(PURGED):
            record_latency(f"{number}-{each}", "zerodha", "place_order", began, began)
    flush()


def log(number: int, lines: int = 3) -> None:
    """By a handler of its own, which is closed where all is written."""
    handler = DatabaseLogHandler()
    created = (EARLIER + number * MINUTE).timestamp()
    for each in range(lines):
        record = {"name": "app", "msg": f"line {number}-{each}", "created": created}
        handler.handle(logging.makeLogRecord(record))
    flush()
    handler.close()


def log_many(count: int) -> None:
    for number in range(count):
        log(number, PURGED)


def _after(number: int) -> dict[str, object]:
    """What has become old since the last purge."""
    return {"before": EARLIER + (number + 1) * MINUTE - timedelta(seconds=1), "batch_size": 2}


FEEDS = [
    Operation("replace_symbols", load, lambda count: replace_symbols(shares(20), "zerodha")),
    Operation(
        "replace_symbols",
        load_a_stub,
        lambda count: replace_symbols(shares(20), "zerodha"),
        note="(refused)",
    ),
    Operation("bulk_insert_symbols", load_some),
    Operation(
        "save_telegram_chat", lambda number: save_telegram_chat(number + 1), database="telegram"
    ),
    Operation(
        "authorize_telegram_chat",
        lambda number: authorize_telegram_chat(number + 1, 5),
        lambda count: [save_telegram_chat(number + 1) for number in range(count)],
        "telegram",
    ),
    Operation(
        "set_telegram_notifications",
        lambda number: set_telegram_notifications(number + 1, False),
        add_chats,
        "telegram",
    ),
    Operation("queue_telegram_message", queue, add_chats, "telegram"),
    Operation(
        "claim_telegram_messages",
        lambda number: claim_telegram_messages(1),
        queue_behind_spent_ones,
        "telegram",
    ),
    Operation("mark_telegram_delivered", deliver, hold, "telegram"),
    Operation("fail_telegram_message", fail, hold, "telegram"),
    Operation(
        "purge_telegram_messages",
        lambda number: purge_telegram_messages(**_after(number)),  # type: ignore[arg-type]
        deliver_many,
        "telegram",
        is_in_parts=True,
    ),
    Operation("record_latency", measure, database="latency", is_buffered=True),
    Operation(
        "purge_latency",
        lambda number: purge_latency(**_after(number)),  # type: ignore[arg-type]
        measure_many,
        "latency",
        is_in_parts=True,
    ),
    Operation("DatabaseLogHandler", log, database="logs", is_buffered=True),
    Operation(
        "purge_logs",
        lambda number: purge_logs(**_after(number)),  # type: ignore[arg-type]
        log_many,
        "logs",
        is_in_parts=True,
    ),
]
