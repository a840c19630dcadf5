"""The queue as a table: the index that a claim reads, and its migration."""

from datetime import UTC, datetime

from sqlalchemy import create_engine, select
from sqlalchemy.pool import NullPool

from openalgo_store import (
    Store,
    get_write_session,
)
from openalgo_store.repositories.messaging import telegram
from openalgo_store.tables.messaging import telegram_chats, telegram_messages
from tests.schema.test_schema import migrations, run
from tests.support.plans import plan_of
from tests.support.settings import Urls
from tests.support.telegram import BEGAN, MINUTE


def test_a_claim_looks_at_what_waits_and_at_nothing_else(chats: list[int], store: Store) -> None:
    """On analysed tables of many delivered messages: the partial index serves it."""
    columns = ("chat_id", "message_type", "content", "delivered", "sent_at", "created_at")
    with get_write_session("telegram") as tx:
        known = [(number, BEGAN) for number in range(1000, 1300)]
        tx.copy(telegram_chats, ("chat_id", "created_at"), known)
        rows = [
            (1000 + number % 300, "order", "x", number < 29_000, BEGAN, BEGAN)
            for number in range(30_000)
        ]
        tx.copy(telegram_messages, columns, rows)
        tx.connection.exec_driver_sql("ANALYZE")
    for query in (telegram._find_waiting, telegram._lock_free):
        plan = plan_of(store, query)
        assert "ix_telegram_messages_waiting" in plan, plan
        assert "Seq Scan on telegram_messages" not in plan, plan
        assert "SCAN m" not in plan, plan


def test_messages_from_before_survive_the_migration_and_its_rollback(
    fresh_urls: Urls, engine_name: str
) -> None:
    engine = create_engine(fresh_urls["telegram"], poolclass=NullPool)
    first, second = migrations("telegram", engine_name)[:2]
    with engine.begin() as connection:
        run(connection, first)
        connection.exec_driver_sql(
            "INSERT INTO telegram_chats (chat_id, created_at) VALUES (7, '2026-03-02')"
        )
        connection.exec_driver_sql(
            "INSERT INTO telegram_messages (id, chat_id, message_type, content) "
            "VALUES (41, 7, 'order', 'hello')"
        )
        run(connection, second)
        (message,) = connection.execute(select(telegram_messages)).all()
        assert (message.id, message.content, message.attempts) == (41, "hello", 0)
        assert abs(message.created_at - datetime.now(UTC)) < 10 * MINUTE
        run(connection, second.with_suffix(".rollback.sql"))
        rows = connection.exec_driver_sql("SELECT id, content FROM telegram_messages").all()
        assert rows == [(41, "hello")]
    engine.dispose()
