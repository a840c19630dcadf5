"""Eighty faults of twenty kinds: `check` and `copy` name every one of them, and nothing else."""

from collections.abc import Iterator

import pytest

from openalgo_store import CopyRefused, Store, get_write_session, use_store
from openalgo_store.operations.checking import check_databases
from openalgo_store.operations.copying import copy_database
from openalgo_store.operations.row_rules import RowFault
from openalgo_store.settings import DATABASES
from openalgo_store.tables import METADATA
from tests.operations.conftest import NewInstallation
from tests.support.chance import chance_of
from tests.support.installation import fill, rows_of
from tests.support.planted_faults import LEFT_OUT, Faults, plant_many
from tests.support.rich_installation import fill_richly

BOOK = ("orders", None, "not looked at because of these: whether the book adds up")


@pytest.fixture
def installed(new_installation: NewInstallation, engine_name: str) -> Iterator[Store]:
    """An installation of some size; nobody else uses its databases."""
    with Store(new_installation(engine_name)) as store:
        fill_richly(store)
        yield store


def planted(store: Store) -> Faults:
    faults = plant_many(store, chance_of("planted faults"))
    every = [*faults.rows, *faults.others]
    assert len(every) >= 60
    assert len({each.kind for each in every}) >= 12
    return faults


def test_check_names_each_of_them(installed: Store) -> None:
    with use_store(installed):
        assert list(check_databases()) == []
        faults = planted(installed)
        found = {(each.table, each.row_id, each.what) for each in check_databases()}
    rows = {(each.table, each.row_id, each.what) for each in faults.rows}
    assert found & rows == rows
    rest = sorted(found - rows - {BOOK})
    assert [each[:2] for each in rest] == sorted((e.table, e.row_id) for e in faults.others)
    told = {(table, row_id): what for table, row_id, what in rest}
    for each in faults.others:
        assert each.what in told[each.table, each.row_id]


def test_copy_names_each_that_the_target_would_not_take(
    installed: Store, new_installation: NewInstallation
) -> None:
    with Store(new_installation("sqlite")) as goal:
        faults = planted(installed)
        told: list[RowFault] = []
        for name in DATABASES:
            if {each.table for each in faults.rows} & METADATA[name].tables.keys():
                with pytest.raises(CopyRefused, match="rows break rules"):
                    copy_database(name, installed, goal, tell=told.append)
        rows = {RowFault(each.table, each.row_id, each.what) for each in faults.rows}
        following = {RowFault("trades", each, LEFT_OUT) for each in faults.following}
        assert set(told) == rows | following
        assert len(told) == len(rows) + len(following)
        for name in DATABASES:
            copy_database(name, installed, goal, tell=lambda _: None, skip_bad=True)
        left_out = {(each.table, each.row_id) for each in told}
        copied = {
            (table, row[0])
            for name in DATABASES
            for table, found in rows_of(goal, name).items()
            for row in found
        }
        assert not left_out & copied
        with use_store(goal):
            assert {each.table for each in check_databases()} >= {
                each.table for each in faults.others
            }


@pytest.mark.only("postgresql")
def test_rows_of_one_id_are_both_named_and_neither_is_copied(
    new_installation: NewInstallation, engine_name: str
) -> None:
    with Store(new_installation(engine_name)) as origin, Store(new_installation("sqlite")) as goal:
        fill(origin)
        with use_store(origin), get_write_session() as tx:
            for each in (
                "ALTER TABLE strategies DROP CONSTRAINT pk_strategies",
                "INSERT INTO strategies (id, user_id, name, is_active, created_at) "
                "SELECT id, user_id, 'other', is_active, created_at FROM strategies",
            ):
                tx.driver_connection.execute(each)
        fault = RowFault("strategies", 1, "id is that of another row")
        told: list[RowFault] = []
        done = copy_database("main", origin, goal, tell=told.append, skip_bad=True)
        assert told == [fault, fault]
        assert done.tables["strategies"].rows == 0
