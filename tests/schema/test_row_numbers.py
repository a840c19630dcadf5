"""Ids are used once: what referred to a deleted row never finds another one in its place."""

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Connection, MetaData, Table, create_engine, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import NullPool

from openalgo_store import (
    Book,
    DatabaseLogHandler,
    Store,
    adjust_position,
    authorize_telegram_chat,
    bulk_update_holdings,
    claim_telegram_messages,
    create_strategy,
    delete_strategy,
    flush_writers,
    get_position_adjustments,
    get_write_session,
    list_strategies,
    mark_telegram_delivered,
    purge_latency,
    purge_logs,
    purge_telegram_messages,
    queue_telegram_message,
    record_latency,
    replace_symbols,
    revoke_auth_token,
    save_auth_token,
    save_telegram_chat,
    use_store,
)
from openalgo_store.engine.queries import Query
from openalgo_store.repositories.trading.adjustments import drop_report
from openalgo_store.repositories.trading.books import BOOKS
from openalgo_store.settings import DATABASES, project_folder
from openalgo_store.tables import METADATA
from openalgo_store.values import clock
from tests.schema.test_schema import migrations, run
from tests.support.rows import MONDAY, any_row, new_user, shares
from tests.support.settings import Urls

TABLES = {
    table.name: (database, table)
    for database in DATABASES
    for table in METADATA[database].sorted_tables
}
_Step = Callable[[int], object]
"""What a user does."""
DELETE = re.compile(r"DELETE FROM (/\*\w+\*/)?(\w+)")
"""The table of a statement that deletes, and whether it is one of several, as of each book."""
LATER = MONDAY + timedelta(days=10_000)


@pytest.fixture
def user(store: Store) -> Iterator[int]:
    """Asha, in a store that can seal tokens, and her chat."""
    keys = Fernet.generate_key().decode()
    with Store(replace(store.settings, token_encryption_keys=keys)) as sealing:
        use_store(sealing)
        save_telegram_chat(7)
        authorize_telegram_chat(7)
        yield new_user()
        use_store(store)


def log_a_line() -> None:
    handler = DatabaseLogHandler()
    handler.handle(logging.makeLogRecord({"name": "app", "msg": "a line"}))
    assert flush_writers()
    handler.close()


def record_a_call() -> None:
    record_latency("A1", "zerodha", "place_order", MONDAY, MONDAY)
    assert flush_writers()


def deliver() -> None:
    (message,) = claim_telegram_messages()
    mark_telegram_delivered(message.id, message.claim or "")
    purge_telegram_messages(clock.now())


def report_holdings(user: int, book: Book, *symbols: str) -> None:
    """All that the user holds is one share of each of these."""
    rows = [
        {"user_id": user, "broker": "zerodha", "symbol": symbol, "exchange": "NSE", "quantity": 1}
        for symbol in symbols
    ]
    bulk_update_holdings(rows, replace=True, user_id=user, broker="zerodha", force=True, book=book)


def adjust(user: int, book: Book) -> None:
    place = user, "zerodha", "SBIN", "NSE"
    adjust_position(*place, "CNC", 1, 100.0, "a bonus", adjusted_at=MONDAY, book=book)


def drop_adjustment(user: int, book: Book) -> None:
    (found,) = get_position_adjustments(user, MONDAY.date(), MONDAY.date(), book=book)
    with get_write_session(book.database) as tx:
        drop_report(found, book, tx)


OF_BOOKS: dict[str, tuple[_Step, _Step]] = {
    f"{book.prefix}{table}": (partial(add, book=book), partial(remove, book=book))
    for book in BOOKS
    for table, add, remove in (
        (
            "holdings",
            lambda user, book: report_holdings(user, book, "SBIN"),
            lambda user, book: report_holdings(user, book),
        ),
        ("position_adjustments", adjust, drop_adjustment),
    )
}
ADD_AND_DELETE: dict[str, tuple[_Step, _Step]] = OF_BOOKS | {
    "auth_tokens": (
        lambda user: save_auth_token(user, "zerodha", "an access token"),
        lambda user: revoke_auth_token(user, "zerodha"),
    ),
    "strategies": (
        lambda user: create_strategy(user, "Opening range", "python"),
        lambda user: delete_strategy(list_strategies(user)[-1].id),
    ),
    "symbols": (
        lambda user: replace_symbols(shares(3), "zerodha"),
        lambda user: replace_symbols(shares(2), "zerodha"),
    ),
    "latency_metrics": (lambda user: record_a_call(), lambda user: purge_latency(LATER)),
    "application_logs": (lambda user: log_a_line(), lambda user: purge_logs(LATER)),
    "telegram_messages": (
        lambda user: queue_telegram_message(7, "order", "hello"),
        lambda user: deliver(),
    ),
}
"""How a row comes and goes, for each table from which rows are deleted."""


@pytest.mark.parametrize("table", ADD_AND_DELETE)
def test_the_id_of_a_deleted_row_is_not_given_to_a_new_one(
    user: int, store: Store, table: str
) -> None:
    add, remove = ADD_AND_DELETE[table]
    add(user)
    first = newest_id(store, table)
    remove(user)
    assert newest_id(store, table) < first
    add(user)
    assert newest_id(store, table) > first


def made_anew(table: str) -> str | None:
    """The migration that makes the ids of a table ones that are used once; None if they were so."""
    sqlite = migrations(TABLES[table][0], "sqlite")
    begun = rf"CREATE TABLE new_{table} \(\n    id .*AUTOINCREMENT"
    return next((each.stem for each in sqlite if re.search(begun, each.read_text())), None)


def insert_any_row(connection: Connection, table: Table) -> Table:
    """The table as the database has it at this moment, once a row is in it."""
    found = Table(table.name, MetaData(), autoload_with=connection)
    row = {name: value for name, value in any_row(table).items() if name in found.c}
    connection.execute(found.insert().values(row))
    return found


def newest_id(store: Store, table: str) -> int:
    """The highest id of a table, 0 for an empty one."""
    database, found = TABLES[table]
    with store.transaction(database, readonly=True) as tx:
        return tx.value(Query.of(select(func.coalesce(func.max(found.c.id), 0)), int)) or 0


def test_every_table_with_ids_that_a_statement_deletes_from_is_looked_at_here() -> None:
    named = {
        name
        for path in project_folder("sql").rglob("*.sql")
        for marker, ending in DELETE.findall(path.read_text(encoding="utf-8"))
        for name in TABLES
        if name == ending or (marker and name.endswith(f"_{ending}"))
    }
    assert {"auth_tokens", "holdings", "sandbox_holdings", "log_writers"} <= named
    purged = {"latency_metrics", "application_logs", "telegram_messages"}
    with_ids = {name for name in named if "id" in TABLES[name][1].c}
    assert ADD_AND_DELETE.keys() == with_ids | purged


@pytest.mark.parametrize("name", [name for name in ADD_AND_DELETE if made_anew(name)])
def test_rows_and_rules_survive_the_migration_to_such_ids_and_its_rollback(
    fresh_urls: Urls, engine_name: str, name: str
) -> None:
    database, table = TABLES[name]
    engine = create_engine(fresh_urls["main"], poolclass=NullPool)
    ids = next(each for each in migrations(database, engine_name) if each.stem == made_anew(name))
    with engine.begin() as connection:
        for each in migrations(database, engine_name):
            if each.stem == ids.stem:
                break
            run(connection, each)
        for parent in {key.column.table for key in table.foreign_keys}:
            insert_any_row(connection, parent)
        table = insert_any_row(connection, table)
        before = connection.execute(select(table)).all()
        for step in (ids, ids.with_suffix(".rollback.sql"), ids):
            run(connection, step)
            assert connection.execute(select(table)).all() == before
        with pytest.raises(IntegrityError), connection.begin_nested():
            insert_any_row(connection, table)
    engine.dispose()
