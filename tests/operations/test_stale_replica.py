"""A replica that lags behind: what a person is told of the database is told by the primary."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from sqlalchemy import update

from openalgo_store import (
    LIVE,
    Settings,
    Store,
    get_read_session,
    get_write_session,
    replace_symbols,
    use_store,
)
from openalgo_store.engine.queries import Query
from openalgo_store.operations.checking import check_books
from openalgo_store.operations.copying import copy_database
from openalgo_store.operations.status import inspect
from openalgo_store.store import current_store
from tests.contract.trading.conftest import Traded, fill
from tests.support.rows import COUNT_USERS, new_user, shares


@pytest.fixture
def behind(migrated_settings: Settings, copy_of_main: Callable[[], str]) -> Iterator[None]:
    """The replica is empty; the primary has a user, a master, and a position that is damaged."""
    copy = copy_of_main()
    lagging = replace(migrated_settings, read_database_url=copy, read_replica_pin=0)
    with Store(lagging) as store, use_store(store):
        fill(new_user(), [Traded(100, 10.0)], book=LIVE)
        replace_symbols(shares(3), "zerodha")
        damage = update(LIVE.tables.positions).values(quantity=7)
        with get_write_session() as tx:
            tx.run(Query.of(damage))
        yield


def test_the_replica_would_tell_otherwise(behind: None) -> None:
    with get_read_session() as tx:
        assert tx.on_replica
        assert tx.value(COUNT_USERS) == 0


def test_the_books_of_the_primary_are_checked(behind: None) -> None:
    assert {each.table for each in check_books()} == {"positions"}


def test_the_rows_and_the_loads_of_the_primary_are_told(behind: None) -> None:
    status = inspect()
    assert [each.broker for each in status.symbol_loads] == ["zerodha"]
    (main,) = (each for each in status.health.databases if each.name == "main")
    assert (main.rows["users"], main.rows["symbols"]) == (1, 3)


def test_the_rows_of_the_primary_are_copied(
    behind: None, new_installation: Callable[[str], Settings]
) -> None:
    with Store(new_installation("sqlite")) as goal:
        done = copy_database("main", current_store(), goal, tell=lambda fault: None)
    assert done.tables["users"].rows == 1
