"""The rules of a session: what it keeps, what it refuses, the same on both engines."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy import event as sqlalchemy_event

from openalgo_store import (
    Conflict,
    InvalidInput,
    SessionMisuse,
    Settings,
    Store,
    StoreError,
    Transaction,
    TransactionFailed,
    Unavailable,
    WrongDatabase,
    count_symbols,
    get_engine,
    get_read_session,
    get_write_session,
    replace_symbols,
    use_store,
)
from openalgo_store.engine.queries import Query
from openalgo_store.engine.sqlite.connections import GATE
from openalgo_store.sessions import one_statement
from openalgo_store.tables.accounts import users
from openalgo_store.tables.strategies import strategies
from openalgo_store.tables.symbols import symbols
from openalgo_store.values import clock
from tests.support.rows import ALL_NAMES, COUNT_USERS, add_strategy, add_user, shares, user


def names() -> list[str]:
    with get_read_session() as tx:
        return tx.all(ALL_NAMES)


def break_a_rule(tx: Transaction) -> None:
    """A database error: the name is taken."""
    add_user(tx, "asha")


@pytest.fixture
def with_asha(store: Store) -> Store:
    with get_write_session() as tx:
        add_user(tx, "asha")
    return store


def test_a_block_that_ends_normally_is_kept(store: Store) -> None:
    with get_write_session() as tx:
        add_user(tx, "asha")
        assert tx.all(ALL_NAMES) == ["asha"]
    assert names() == ["asha"]


def test_an_exception_undoes_the_whole_block(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), get_write_session() as tx:
        add_user(tx, "asha")
        _ = 1 / 0
    assert names() == []


def test_a_session_that_runs_no_statement_makes_no_connection(store: Store) -> None:
    with get_write_session() as tx:
        assert tx._state.connection is None


def test_a_database_error_that_is_caught_still_fails_the_session(with_asha: Store) -> None:
    with pytest.raises(TransactionFailed) as raised, get_write_session() as tx:
        add_user(tx, "binod")
        with pytest.raises(Conflict):
            break_a_rule(tx)
    assert isinstance(raised.value.__cause__, Conflict)
    assert names() == ["asha"]


def test_no_verb_works_after_a_database_error(with_asha: Store) -> None:
    verbs: list[Callable[[Transaction], object]] = [
        lambda tx: tx.one(ALL_NAMES),
        lambda tx: tx.value(COUNT_USERS),
        lambda tx: tx.all(ALL_NAMES),
        lambda tx: tx.stream(ALL_NAMES),
        lambda tx: tx.run(Query.of(update(users).values(is_active=False))),
        lambda tx: tx.many(Query.of(insert(users)), [user("chitra")]),
        lambda tx: tx.copy(strategies, ["name"], []),
        lambda tx: tx.lock("any"),
        lambda tx: tx.after_commit(print),
        lambda tx: tx.connection,
        lambda tx: tx.driver_connection,
        lambda tx: tx.savepoint().__enter__(),
    ]
    with pytest.raises(TransactionFailed), get_write_session() as tx:
        with pytest.raises(Conflict):
            break_a_rule(tx)
        for verb in verbs:
            with pytest.raises(TransactionFailed, match="nothing of this transaction can be kept"):
                verb(tx)


def test_an_error_through_the_core_connection_fails_the_session_too(with_asha: Store) -> None:
    with pytest.raises(TransactionFailed), get_write_session() as tx:
        with pytest.raises(Conflict):
            tx.connection.execute(insert(users).values(**user("asha")))


def test_a_transaction_that_the_driver_knows_to_be_lost_is_not_taken_for_committed(
    store: Store, engine_name: str
) -> None:
    """COMMIT would roll it back without a word."""
    seen: list[str] = []
    with pytest.raises(TransactionFailed), get_write_session() as tx:
        add_user(tx, "asha")
        tx.after_commit(lambda: seen.append("ran"))
        if engine_name == "sqlite":
            tx.driver_connection.execute("ROLLBACK")  # as SQLite does when the disk is full
        else:
            with pytest.raises(psycopg.Error):
                tx.driver_connection.execute("SELECT 1 / 0")
    assert names() == []
    assert seen == []


def test_a_failed_copy_fails_the_session(store: Store) -> None:
    columns = [column.name for column in symbols.columns if column.name != "id"]
    row = ("b", "S", "S", "1", "NSE", *[None] * 8, None)  # last_updated needs a value
    with pytest.raises(TransactionFailed), get_write_session() as tx:
        with pytest.raises(InvalidInput, match="last_updated needs a value"):
            tx.copy(symbols, columns, [row])
    assert count_symbols() == 0


def test_a_copy_whose_rows_end_in_an_error_fails_the_session(store: Store) -> None:
    def rows() -> Iterator[tuple[object, ...]]:
        yield from [("b", f"S{n}", "S", "1", "NSE", *[None] * 8, clock.now()) for n in range(3)]
        raise ZeroDivisionError

    columns = [column.name for column in symbols.columns if column.name != "id"]
    with pytest.raises(TransactionFailed), get_write_session() as tx:
        with pytest.raises(ZeroDivisionError):
            tx.copy(symbols, columns, rows())
    assert count_symbols() == 0
    with get_read_session() as tx:
        with pytest.raises(SessionMisuse, match="a read session cannot write"):
            tx.copy(symbols, columns, [])


def test_a_lost_connection_fails_the_session_even_behind_a_savepoint(store: Store) -> None:
    for inside in (True, False):
        with pytest.raises(TransactionFailed, match="can be kept"), get_write_session() as tx:
            add_user(tx, "asha")
            if inside:
                with pytest.raises(ZeroDivisionError), tx.savepoint():
                    tx.connection.invalidate()
                    _ = 1 / 0
            else:
                tx.connection.invalidate()
            with pytest.raises(TransactionFailed):
                tx.all(ALL_NAMES)
    assert names() == []


def test_a_stream_that_is_left_early_is_closed(store: Store) -> None:
    replace_symbols(shares(3000), "zerodha")
    everything = Query.of(select(symbols.c.symbol), str)
    with get_read_session() as tx:
        for _ in range(3):
            assert next(tx.stream(everything)).startswith("SHARE")
        assert len(list(tx.stream(everything))) == 3000


def test_a_savepoint_can_fail_alone(with_asha: Store) -> None:
    with get_write_session() as tx:
        add_user(tx, "binod")
        with pytest.raises(Conflict), tx.savepoint():
            add_user(tx, "chitra")
            break_a_rule(tx)
        add_user(tx, "devi")
    assert names() == ["asha", "binod", "devi"]


def test_a_savepoint_does_not_hide_an_error_that_is_caught_inside(with_asha: Store) -> None:
    with get_write_session() as tx:
        with pytest.raises(TransactionFailed), tx.savepoint():
            with pytest.raises(Conflict):
                break_a_rule(tx)
        add_user(tx, "binod")
    assert names() == ["asha", "binod"]


def test_savepoints_nest(with_asha: Store) -> None:
    with get_write_session() as tx:
        with tx.savepoint():
            add_user(tx, "binod")
            with pytest.raises(Conflict), tx.savepoint():
                break_a_rule(tx)
            add_user(tx, "chitra")
    assert names() == ["asha", "binod", "chitra"]


def test_callbacks_run_after_the_commit_and_in_order(store: Store) -> None:
    seen: list[object] = []
    with get_write_session() as tx:
        add_user(tx, "asha")
        tx.after_commit(lambda: seen.append(names()))
        tx.after_commit(lambda: seen.append("second"))
        assert seen == []
    assert seen == [["asha"], "second"]


def test_callbacks_of_what_was_rolled_back_do_not_run(with_asha: Store) -> None:
    seen: list[str] = []
    with get_write_session() as tx:
        tx.after_commit(lambda: seen.append("outer"))
        with pytest.raises(Conflict), tx.savepoint():
            tx.after_commit(lambda: seen.append("inner"))
            break_a_rule(tx)
    assert seen == ["outer"]
    with pytest.raises(TransactionFailed), get_write_session() as tx:
        tx.after_commit(lambda: seen.append("failed"))
        with pytest.raises(Conflict):
            break_a_rule(tx)
    assert seen == ["outer"]


def test_an_error_of_a_callback_is_logged_and_the_others_run(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []
    with get_write_session() as tx:
        add_user(tx, "asha")
        tx.after_commit(lambda: 1 / 0)
        tx.after_commit(lambda: seen.append("ran"))
    assert seen == ["ran"]
    assert names() == ["asha"]
    assert "ZeroDivisionError" in caplog.text


def test_a_second_write_session_on_the_thread_is_refused_at_once(store: Store) -> None:
    with get_write_session() as tx:
        add_user(tx, "asha")
        with pytest.raises(SessionMisuse, match="pass that session on as tx=tx"):
            replace_symbols(shares(3), "zerodha")
        replace_symbols(shares(3), "zerodha", tx=tx)
    assert (names(), count_symbols()) == (["asha"], 3)


def test_two_databases_in_one_are_told_apart_from_one(store: Store, engine_name: str) -> None:
    with get_write_session("logs") as tx:
        tx.lock("any")
        if engine_name == "postgresql":  # where all five share one database in these tests
            with pytest.raises(SessionMisuse, match="logs and main are one database"):
                replace_symbols(shares(3), "zerodha")
        else:
            replace_symbols(shares(3), "zerodha")


def test_the_thread_may_write_again_once_the_first_session_has_ended(store: Store) -> None:
    for name in ("asha", "binod"):
        with get_write_session() as tx:
            add_user(tx, name)
    with pytest.raises(ZeroDivisionError), get_write_session():
        _ = 1 / 0
    with get_write_session() as tx:
        add_user(tx, "chitra")
    assert names() == ["asha", "binod", "chitra"]


def test_another_thread_may_write_meanwhile(store: Store) -> None:
    def write() -> None:
        with get_write_session() as tx:
            add_user(tx, "binod")

    with get_write_session() as tx:
        other = threading.Thread(target=write)
        other.start()  # on SQLite it queues, on PostgreSQL it works beside
        add_user(tx, "asha")
    other.join(30)
    assert sorted(names()) == ["asha", "binod"]


def test_a_read_session_cannot_write(store: Store) -> None:
    with pytest.raises(TransactionFailed), get_read_session() as tx:
        with pytest.raises(SessionMisuse, match="use get_write_session"):
            add_user(tx, "asha")
    with get_read_session() as tx:
        with pytest.raises(SessionMisuse, match="a read session cannot write"):
            replace_symbols(shares(1), "zerodha", tx=tx)
    assert names() == []


def test_a_read_session_sees_one_moment(store: Store) -> None:
    with get_read_session() as reader:
        assert reader.all(ALL_NAMES) == []
        with get_write_session() as tx:
            add_user(tx, "asha")
        assert reader.all(ALL_NAMES) == []
    assert names() == ["asha"]


def test_a_session_of_another_database_or_store_is_refused(
    store: Store, migrated_settings: Settings
) -> None:
    with get_read_session("logs") as tx:
        with pytest.raises(WrongDatabase, match="get_write_session\\('main'\\)"):
            count_symbols(tx=tx)
    with Store(migrated_settings) as other, get_read_session() as tx:
        use_store(other)
        with pytest.raises(WrongDatabase, match="another Store"):
            count_symbols(tx=tx)


def test_a_session_works_only_inside_its_block(store: Store) -> None:
    session = get_write_session()
    with session as tx:
        pass
    with pytest.raises(SessionMisuse, match="ended"):
        tx.all(ALL_NAMES)
    with pytest.raises(SessionMisuse, match="get a new one"), session:
        pass
    with pytest.raises(SessionMisuse, match="not entered"):
        get_read_session().all(ALL_NAMES)  # type: ignore[attr-defined]


def test_a_closed_store_says_so(store: Store) -> None:
    before = get_read_session()
    store.close()
    with pytest.raises(SessionMisuse, match="this store is closed"):
        get_read_session()
    with pytest.raises(SessionMisuse, match="this store is closed"), before as tx:
        tx.all(ALL_NAMES)


def test_one_refuses_a_second_row(store: Store) -> None:
    with get_write_session() as tx:
        add_user(tx, "asha")
        add_user(tx, "binod")
        with pytest.raises(StoreError, match="more than one row"):
            tx.one(ALL_NAMES)


def test_a_statement_gets_exactly_its_parameters(store: Store) -> None:
    from openalgo_store.repositories.symbols.symbols import _get_symbol

    with get_read_session() as tx:
        with pytest.raises(TypeError, match=r"takes \['broker', 'exchange', 'symbol'\]"):
            tx.one(_get_symbol, symbol="X")


def test_a_broken_rule_is_told_by_name_and_in_the_same_words(with_asha: Store) -> None:
    def told(write: Callable[[Transaction], object]) -> StoreError:
        with pytest.raises(StoreError) as raised, get_write_session() as tx:
            write(tx)
        return raised.value

    taken = told(lambda tx: add_user(tx, "Asha", email_key="another@example.org"))
    assert isinstance(taken, Conflict)
    assert taken.constraint == "uq_users_username_key"
    assert str(taken) == "users already has a row with this username_key"
    assert taken.__cause__ is not None

    orphan = told(lambda tx: add_strategy(tx, 999, "momentum"))
    assert isinstance(orphan, Conflict)
    assert orphan.constraint == "fk_strategies_user_id"
    assert str(orphan) == "strategies.user_id must name a row of users"

    astrology = (
        "INSERT INTO strategies (user_id, name, strategy_type, is_active, created_at) "
        "SELECT id, 'momentum', 'astrology', is_active, created_at FROM users"
    )
    odd = told(lambda tx: tx.run(Query.of(text(astrology))))  # past the type of the column
    assert isinstance(odd, InvalidInput)
    assert "ck_strategies_strategy_type" in str(odd)

    absent = told(lambda tx: add_user(tx, "binod", email=None))
    assert (type(absent), str(absent)) == (InvalidInput, "users.email needs a value")


def test_a_row_that_is_still_referred_to_is_a_conflict(with_asha: Store, engine_name: str) -> None:
    with get_write_session() as tx:
        add_strategy(tx, 1, "momentum")
    with pytest.raises(Conflict) as raised, get_write_session() as tx:
        tx.run(Query.of(delete(users)))
    named = {"postgresql": "fk_strategies_user_id", "sqlite": None}  # which does not tell
    assert raised.value.constraint == named[engine_name]
    with pytest.raises(Conflict) as raised, get_write_session() as tx:
        tx.run(Query.of(update(users).values(id=2)))
    assert raised.value.constraint == named[engine_name]
    assert names() == ["asha"]


def test_the_broken_reference_is_found_among_several(with_asha: Store) -> None:
    from openalgo_store.tables.trading import live as trading

    trade = {
        "trade_id": "1", "order_id": "no such order", "user_id": 1, "broker": "zerodha",
        "symbol": "X", "exchange": "NSE", "action": "BUY", "product": "MIS", "quantity": 1,
        "price": 1.0, "traded_at": user("x")["created_at"],
    }  # fmt: skip
    for change, constraint in (({}, "fk_trades_order_id"), ({"user_id": 7}, "fk_trades_user_id")):
        row = trade | change | ({"order_id": None} if change else {})
        with pytest.raises(Conflict) as raised, get_write_session() as tx:
            tx.run(Query.of(insert(trading.trades).values(**row)))
        assert raised.value.constraint == constraint


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"username": "a\0b"}, "NUL"),
        ({"username": "a\ud800b"}, "surrogate"),
        ({"username": "x" * 81}, "81 characters where the column holds 80"),
        ({"created_at": user("x")["created_at"].replace(tzinfo=None)}, "no time zone"),
    ],
)
def test_a_value_no_column_may_hold_is_refused_before_it_is_sent(
    store: Store, change: dict[str, object], message: str
) -> None:
    with get_write_session() as tx:
        with pytest.raises(InvalidInput, match=message):
            add_user(tx, "asha", **change)
        add_user(tx, "binod")  # nothing was sent, so the session goes on
    assert names() == ["binod"]


def test_the_text_length_is_held_by_the_database_too(store: Store) -> None:
    with pytest.raises(InvalidInput, match="ck_users_username_length"), get_write_session() as tx:
        add_user(tx, "asha")
        tx.connection.execute(text("UPDATE users SET username = :long"), {"long": "x" * 81})


def test_moments_come_back_aware_and_in_utc(store: Store) -> None:
    moment = user("x")["created_at"]
    with get_write_session() as tx:
        add_user(tx, "asha", created_at=moment.astimezone(None))
        assert tx.value(Query.of(select(users.c.created_at), type(moment))) == moment


def test_an_exhausted_pool_says_what_to_do(store: Store, engine_name: str) -> None:
    """SQLite has no pool: there nothing is exhausted."""
    with Store(_tiny_pool(store.settings)) as small:
        use_store(small)
        with get_read_session() as tx:
            tx.all(ALL_NAMES)
            if engine_name == "sqlite":
                assert names() == []
            else:
                with pytest.raises(Unavailable, match="DB_POOL_SIZE"):
                    names()


def _tiny_pool(settings: Settings) -> Settings:
    values = {name: getattr(settings, name) for name in Settings.__dataclass_fields__}
    small = {"db_pool_size": 1, "db_max_overflow": 0, "db_pool_timeout": 0.05}
    return Settings(**(values | small))


def test_no_connection_is_left_open(store: Store, engine_name: str) -> None:
    for _ in range(3):
        names()
        with pytest.raises(ZeroDivisionError), get_write_session() as tx:
            add_user(tx, "asha")
            _ = 1 / 0
    if engine_name == "sqlite":
        assert not GATE.in_use()
    else:
        assert get_engine().pool.checkedout() == 0  # type: ignore[attr-defined]


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
    asked: list[str] = []

    def note(*event: Any) -> None:
        asked.append(event[2].split()[0])

    engine = store.databases["main"].engine
    sqlalchemy_event.listen(engine, "before_cursor_execute", note)
    with one_statement(readonly=False) as tx:
        add_user(tx, "asha")
    with one_statement() as tx:
        assert tx.all(ALL_NAMES) == ["asha"]
    assert asked == ["INSERT", "SELECT"]
