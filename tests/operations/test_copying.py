"""A database is copied into another, of the same engine or the other: all of it or nothing."""

import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.engine import make_url

from openalgo_store import (
    LIVE,
    CopyRefused,
    InvalidInput,
    Store,
    bulk_update_holdings,
    get_auth_token,
    get_read_session,
    get_symbol_token,
    get_user_by_api_key,
    get_write_session,
    replace_symbols,
    use_store,
)
from openalgo_store.engine.queries import Query
from openalgo_store.operations.copying import DatabaseCopy, copy_database
from openalgo_store.operations.row_rules import RowFault
from openalgo_store.settings import DATABASES
from openalgo_store.tables import METADATA
from openalgo_store.tables.accounts import users
from tests.operations.conftest import NewInstallation
from tests.programs.copying import killed_copy
from tests.support.faulty_rows import plant_faults
from tests.support.installation import Installed, fill, rows_of
from tests.support.pairs import PAIRS
from tests.support.rows import add_order, new_user, shares, user
from tests.support.waiting import DEADLINE


@pytest.fixture
def installed(installations: tuple[Store, Store]) -> Installed:
    """What is in the first of them."""
    return fill(installations[0])


MANY = 4_500
"""More rows than are read at once, several times."""


def refuse(fault: RowFault) -> None:
    raise AssertionError(fault)


def copy_all(origin: Store, goal: Store, **options: Any) -> list[DatabaseCopy]:
    return [copy_database(name, origin, goal, **{"tell": refuse, **options}) for name in DATABASES]


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_copy_has_every_row_and_serves_as_the_original_did(
    installations: tuple[Store, Store], installed: Installed
) -> None:
    origin, goal = installations
    done = copy_all(origin, goal)
    for name in DATABASES:
        assert rows_of(goal, name) == rows_of(origin, name)
    copied = {table: each.rows for database in done for table, each in database.tables.items()}
    assert {table for table, rows in copied.items() if rows} == {
        table for metadata in METADATA.values() for table in metadata.tables
    } - {"cache_epochs"}
    with use_store(goal):
        user = get_user_by_api_key(installed.api_key)
        assert user is not None
        assert user.id == installed.user_id
        token = get_auth_token(user.id, "zerodha")
        assert token is not None
        assert token.access_token == installed.access_token


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_ids_go_on_behind_those_of_rows_that_are_gone(
    installations: tuple[Store, Store], installed: Installed
) -> None:
    origin, goal = installations
    copy_all(origin, goal)
    last = rows_of(goal, "main")["holdings"][-1][0]
    told = {"user_id": installed.user_id, "broker": "b", "symbol": "SBIN", "exchange": "NSE"}
    for store in (goal, origin):
        with use_store(store):
            bulk_update_holdings([told | {"quantity": 1}])
        assert rows_of(store, "main")["holdings"][-1][0] == last + 2


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_ids_of_an_empty_table_begin_with_1(installations: tuple[Store, Store]) -> None:
    copy_all(*installations)
    with use_store(installations[1]):
        assert new_user() == 1


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_ids_go_on_behind_a_row_that_no_counter_has_counted(
    installations: tuple[Store, Store],
) -> None:
    origin, goal = installations
    with use_store(origin), get_write_session() as tx:
        tx.run(Query.of(insert(users).values(**user("asha", id=500))))
    copy_all(origin, goal)
    with use_store(goal):
        assert new_user("ravi") == 501


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_target_with_other_rows_is_refused_unless_they_may_go(
    installations: tuple[Store, Store], installed: Installed
) -> None:
    origin, goal = installations
    fill(goal)
    before = rows_of(goal, "main")
    with pytest.raises(CopyRefused, match=r"the target has rows of its own.*--replace"):
        copy_all(origin, goal)
    assert rows_of(goal, "main") == before
    assert not any(each.was_equal for each in copy_all(origin, goal, replace=True))
    for name in DATABASES:
        assert rows_of(goal, name) == rows_of(origin, name)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_what_was_copied_is_not_copied_again_and_one_value_tells(
    installations: tuple[Store, Store], installed: Installed
) -> None:
    origin, goal = installations
    copy_all(origin, goal)
    assert all(each.was_equal for each in copy_all(origin, goal))
    with use_store(goal), get_write_session() as tx:
        tx.run(Query.of(update(users).values(email="asha@example.net")))
    with pytest.raises(CopyRefused, match="rows of its own"):
        copy_all(origin, goal)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_one_share_sold_is_not_two(
    installations: tuple[Store, Store], installed: Installed
) -> None:
    for store, quantity in zip(installations, (-1, -2), strict=True):
        if store is installations[1]:
            copy_all(*installations)
        with use_store(store), get_write_session() as tx:
            tx.run(Query.of(update(LIVE.tables.holdings).values(quantity=quantity)))
    with pytest.raises(CopyRefused, match="rows of its own"):
        copy_all(*installations)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_process_that_serves_the_target_answers_with_what_was_copied(
    installations: tuple[Store, Store], installed: Installed
) -> None:
    origin, goal = installations
    with Store(replace(goal.settings, cache_lease=0)) as server:
        with use_store(server):
            replace_symbols(shares(3, token="old"), "zerodha")
            assert get_symbol_token("SHARE1", "NSE", "zerodha") == "old1"
            assert get_user_by_api_key(installed.api_key) is None
        copy_all(origin, goal, replace=True)
        with use_store(server):
            assert get_symbol_token("SHARE1", "NSE", "zerodha") == "T1"
            assert get_user_by_api_key(installed.api_key) is not None


@pytest.mark.parametrize(("source", "target"), PAIRS[:1])
def test_a_database_is_not_copied_onto_itself(installations: tuple[Store, Store]) -> None:
    with pytest.raises(InvalidInput, match="the source and the target are the same database"):
        copy_database("main", installations[0], installations[0], tell=refuse)


@pytest.mark.only("postgresql")
def test_a_database_is_not_copied_onto_itself_by_another_name(
    new_installation: NewInstallation,
) -> None:
    settings = new_installation("postgresql")
    url = make_url(settings.database_url)
    named = url.set(host={"127.0.0.1": "localhost"}.get(str(url.host), str(url.host)))
    other = replace(settings, database_url=named.render_as_string(hide_password=False))
    with Store(settings) as origin, Store(other) as goal:
        fill(origin)
        with pytest.raises(InvalidInput, match="the source and the target are the same database"):
            copy_database("main", origin, goal, tell=refuse, replace=True)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_what_is_written_to_the_source_meanwhile_is_not_copied(
    installations: tuple[Store, Store], installed: Installed
) -> None:
    def write(table: str, count: int, rows: Any) -> Any:
        if table == "orders":
            with use_store(origin):
                user_id = new_user("late")
                add_order(user_id, "late", book=LIVE)
        yield from rows

    origin, goal = installations
    before = rows_of(origin, "main")
    copy_database("main", origin, goal, tell=refuse, watch=write)
    assert rows_of(goal, "main") == before
    assert len(rows_of(origin, "main")["orders"]) == len(before["orders"]) + 1


TRIGGERS = {
    "sqlite": [
        "CREATE TRIGGER tr AFTER INSERT ON strategies BEGIN "
        "UPDATE strategies SET description = 'x' WHERE id = new.id; END"
    ],
    "postgresql": [
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql "
        "AS $$ BEGIN new.description = 'x'; RETURN new; END $$",
        "CREATE TRIGGER tr BEFORE INSERT ON strategies FOR EACH ROW EXECUTE FUNCTION f()",
    ],
}


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_rows_that_the_target_keeps_otherwise_are_noticed_and_nothing_is_kept(
    installations: tuple[Store, Store], installed: Installed
) -> None:
    origin, goal = installations
    with use_store(goal), get_write_session() as tx:
        for each in TRIGGERS[goal.databases["main"].name]:
            tx.driver_connection.execute(each)
    before = rows_of(goal, "main")
    with pytest.raises(CopyRefused, match=r"of strategies 1 rows were sent.*look for triggers"):
        copy_all(origin, goal)
    assert rows_of(goal, "main") == before


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_an_error_on_the_way_leaves_the_target_as_it_was(
    installations: tuple[Store, Store], installed: Installed
) -> None:
    def stop(table: str, count: int, rows: Any) -> Any:
        yield from rows
        if table == "positions":
            raise KeyboardInterrupt

    origin, goal = installations
    before = rows_of(goal, "main")
    with pytest.raises(KeyboardInterrupt):
        copy_all(origin, goal, watch=stop)
    assert rows_of(goal, "main") == before
    copy_all(origin, goal)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_killed_copy_leaves_nothing_and_is_simply_made_again(
    installations: tuple[Store, Store], installed: Installed, soak: Callable[[int], int]
) -> None:
    origin, goal = installations
    before, original = rows_of(goal, "main"), rows_of(origin, "main")
    rows = sum(map(len, original.values()))
    for number in range(kills := soak(10)):
        source, target = (each.settings.url("main") for each in (origin, goal))
        copying = killed_copy(source, target, rows * number // kills)
        copying.communicate(DEADLINE)
        assert copying.returncode == -signal.SIGKILL
        assert rows_of(goal, "main") == before
    copy_all(origin, goal)
    assert rows_of(goal, "main") == rows_of(origin, "main") == original


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_bad_rows_are_told_and_the_others_copied_if_that_is_asked_for(
    installations: tuple[Store, Store], installed: Installed
) -> None:
    origin, goal = installations
    planted = plant_faults(origin)
    before = rows_of(goal, "main")
    told: list[RowFault] = []
    with pytest.raises(CopyRefused, match=r"main: [\d,]+ rows break rules.*--skip-bad FILE"):
        copy_database("main", origin, goal, tell=told.append)
    assert rows_of(goal, "main") == before
    assert set(planted) <= set(told)
    rest = {each.what for each in told if each not in planted}
    assert rest == {"order_id, broker refers to a row of orders that is left out"}

    told_again: list[RowFault] = []
    done = copy_database("main", origin, goal, tell=told_again.append, skip_bad=True)
    assert told_again == told
    assert done.left_out == len({(each.table, each.row_id) for each in told})
    left_out = {(each.table, each.row_id) for each in told}
    there = {(table, row[0]) for table, rows in rows_of(goal, "main").items() for row in rows}
    assert not left_out & there
    assert there | left_out == keys_of(origin)


@pytest.mark.parametrize(("source", "target"), PAIRS[:2])
def test_all_but_the_bad_ones_of_many_rows_are_copied(installations: tuple[Store, Store]) -> None:
    origin, goal = installations
    with use_store(origin):
        replace_symbols(shares(MANY), "zerodha")
        with get_write_session() as tx:
            tx.driver_connection.execute(
                "UPDATE symbols SET strike = 9e999, lot_size = 'x' WHERE id = 7"
            )
    with pytest.raises(CopyRefused, match="main: 1 rows break rules"):
        copy_database("main", origin, goal, tell=id)
    told: list[RowFault] = []
    done = copy_database("main", origin, goal, tell=told.append, skip_bad=True)
    assert [each.what for each in told] == ["lot_size is not a whole number", "strike is infinite"]
    assert (done.tables["symbols"].rows, done.left_out) == (MANY - 1, 1)
    assert [row[0] for row in rows_of(goal, "main")["symbols"]] == [
        *range(1, 7),
        *range(8, MANY + 1),
    ]


def keys_of(store: Store) -> set[tuple[str, Any]]:
    """Of every row that is copied; bad ones cannot be read whole."""
    with use_store(store), get_read_session() as tx:
        return {
            (table.name, key)
            for table in METADATA["main"].sorted_tables
            if table.name != "cache_epochs"
            for key in tx.all(Query.of(select(*table.primary_key), str))
        }
