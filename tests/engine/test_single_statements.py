"""A session for one statement: it is a transaction of its own, and takes no second one."""

from collections.abc import Callable

import pytest
from sqlalchemy import insert

from openalgo_store import (
    Conflict,
    SessionMisuse,
    Store,
    Transaction,
    get_read_session,
)
from openalgo_store.engine.queries import Query
from openalgo_store.sessions import one_statement
from openalgo_store.tables.accounts import users
from tests.support.round_trips import tracing
from tests.support.rows import ALL_NAMES, add_user, user


def test_a_session_of_one_statement_takes_no_second_one(store: Store) -> None:
    with one_statement() as tx:
        assert tx.all(ALL_NAMES) == []
        with pytest.raises(SessionMisuse, match="for one statement"):
            tx.all(ALL_NAMES)


def test_a_single_statement_is_committed_or_leaves_nothing(store: Store) -> None:
    def add(name: str) -> None:
        with one_statement(readonly=False) as tx:
            add_user(tx, name)

    add("asha")
    with pytest.raises(Conflict):
        add("asha")
    add("binod")
    with get_read_session() as tx:
        assert sorted(tx.all(ALL_NAMES)) == ["asha", "binod"]


def test_a_session_of_one_statement_has_no_other_verb(store: Store) -> None:
    verbs: list[Callable[[Transaction], object]] = [
        lambda tx: tx.many(Query.of(insert(users)), [user("asha")]),
        lambda tx: tx.copy(users, ["id"], []),
        lambda tx: next(tx.stream(ALL_NAMES)),
        lambda tx: tx.lock("master"),
        lambda tx: tx.connection,
        lambda tx: tx.driver_connection,
        lambda tx: tx.savepoint().__enter__(),
    ]
    for verb in verbs:
        with one_statement(readonly=False) as tx:
            with pytest.raises(SessionMisuse, match="for one statement alone"):
                verb(tx)


@pytest.mark.only("postgresql")
def test_a_single_statement_asks_the_server_once(store: Store, engine_name: str) -> None:
    with tracing(store) as asked:
        with one_statement(readonly=False) as tx:
            add_user(tx, "asha")
        with one_statement() as tx:
            assert tx.all(ALL_NAMES) == ["asha"]
    assert [each.split()[0] for each in asked] == ["INSERT", "SELECT"]
