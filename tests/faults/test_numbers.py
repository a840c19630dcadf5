"""Ids beyond 2^31, in each table that an operation writes or refers to."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from openalgo_store import Settings, Store, get_read_session, use_store
from openalgo_store.engine.queries import Query
from openalgo_store.tables import METADATA
from tests.faults.numbering import move_ids
from tests.faults.operation import Operation
from tests.faults.reference import Reference
from tests.faults.scene import Scene
from tests.faults.states import USERS
from tests.support.telegram import Clock

CALLED = 3
pytestmark = pytest.mark.timeout(300)


def test_ids_that_need_more_than_32_bits(
    operation: Operation,
    reference: Reference,
    new_settings: Callable[[], Settings],
    standing: Clock,
    engine_name: str,
) -> None:
    """Users have such ids from the start, other rows after the first call: all is as before."""
    settings = new_settings()

    def prepare(count: int) -> None:
        move_ids(settings, "main", users=True)
        operation.prepare(count)

    with Store(settings) as store, use_store(store):
        scene = Scene(operation._replace(prepare=prepare), store, reference)
        scene.left_out = USERS
        scene.judge("ids at 2^31", *scene.call())
        for database in {"main", operation.database}:
            move_ids(settings, database, users=False)
        for _ in range(CALLED):
            scene.judge("ids at 2^31", *scene.call())
        assert newest_id(operation.database) > 2**31


def newest_id(database: str) -> int:
    """Of all tables of a database."""
    with get_read_session(database) as tx:
        return max(
            tx.value(Query.of(select(func.coalesce(func.max(table.c.id), 0)), int)) or 0
            for table in METADATA[database].sorted_tables
            if "id" in table.c
        )
