"""A Query of varying shape is made once for each shape, and every shape asks for what it should."""

import ast
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

import openalgo_store as s
from openalgo_store import LIVE, SANDBOX, Store
from openalgo_store.engine.pagination import to_cursor
from openalgo_store.engine.queries import Query
from openalgo_store.operations.status import inspect
from openalgo_store.records.telemetry import LogEntry
from openalgo_store.repositories.telemetry.logs import LOG_COLUMNS
from openalgo_store.tables.telemetry import application_logs
from openalgo_store.values import clock
from tests.support.rows import MONDAY, add_order, add_strategy, new_user

PACKAGE = Path(s.__file__).parent
NAMES_OF_A_SHAPE = {
    "Book", "Table", "Column[datetime]", "frozenset[str]", "bool", "int | None"
}  # fmt: skip
"""What a builder may take: few of each, and nothing that a caller gives as a value."""


def makers(tree: ast.AST, within: tuple[ast.AST, ...] = ()) -> Iterator[tuple[ast.AST, ...]]:
    """The functions around each `Query.of`, the outermost first."""
    if isinstance(tree, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        within = (*within, tree)
    if isinstance(tree, ast.Call) and ast.unparse(tree.func) == "Query.of":
        yield within
    for each in ast.iter_child_nodes(tree):
        yield from makers(each, within)


def is_a_builder(function: ast.AST) -> bool:
    """Whether it is cached, by names of a shape alone."""
    if not isinstance(function, ast.FunctionDef):
        return False
    if [ast.unparse(each) for each in function.decorator_list] != ["cache"]:
        return False
    taken = function.args
    if taken.vararg or taken.kwarg:
        return False
    parameters = [*taken.posonlyargs, *taken.args, *taken.kwonlyargs]
    return {ast.unparse(each.annotation) for each in parameters if each.annotation} <= (
        NAMES_OF_A_SHAPE
    )


def test_a_query_is_made_at_module_level_or_by_a_cached_builder() -> None:
    found = [
        (path.relative_to(PACKAGE), functions)
        for path in sorted(PACKAGE.rglob("*.py"))
        for functions in makers(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert len(found) > 10
    wrong = [
        f"{path}:{functions[0].lineno}"  # type: ignore[attr-defined]
        for path, functions in found
        if functions and not (len(functions) == 1 and is_a_builder(functions[0]))
    ]
    assert not wrong


@pytest.mark.parametrize(
    ("source", "is_right"),
    [
        ("_q = {book: Query.of(of(book)) for book in BOOKS}", True),
        ("@cache\ndef _q(book: Book, asked: frozenset[str]): return Query.of(asked)", True),
        ("def get(user_id: int): return tx.all(Query.of(select(1)))", False),
        ("@cache\ndef _q(status: str): return Query.of(select(status))", False),
        ("@cache\ndef _q(**asked: bool): return Query.of(select(asked))", False),
        ("@cache\ndef _q(book: Book):\n  def get(): return Query.of(book)\n  return get", False),
        ("_q = lambda book: Query.of(book)", False),
    ],
)
def test_the_rule_knows_a_builder(source: str, is_right: bool) -> None:
    (functions,) = makers(ast.parse(source))
    assert (not functions or (len(functions) == 1 and is_a_builder(functions[0]))) == is_right


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Query[Any]]:
    """The Queries that are made from now on."""
    found: list[Query[Any]] = []
    make = Query.__init__

    def note(self: Query[Any], *args: Any, **kwargs: Any) -> None:
        found.append(self)
        make(self, *args, **kwargs)

    monkeypatch.setattr(Query, "__init__", note)
    return found


def fill() -> tuple[int, str]:
    """A user with a few of everything, and another; the user's id and a cursor among the orders."""
    user, other = new_user(), new_user("binod")
    for book in (LIVE, SANDBOX):
        for number in range(32):
            rest: dict[str, Any] = {
                "broker": ("zerodha", "fyers")[number & 1],
                "symbol": ("SBIN", "INFY")[number >> 1 & 1],
                "status": ("OPEN", "TRIGGER_PENDING")[number >> 2 & 1],
                "placed_at": MONDAY + timedelta(days=number >> 3, seconds=number % 3),
            }
            add_order(user if number % 5 else other, f"A{number}", book=book, **rest)
            _add_trade(number, user if number % 5 else other, book)
    with s.get_write_session() as tx:
        for number in range(8):
            kind = ("python", "webhook")[number & 1]
            owner = user if number % 3 else other
            active = bool(number >> 1 & 1)
            add_strategy(tx, owner, f"S{number}", strategy_type=kind, is_active=active)
    with s.get_write_session("logs") as tx:
        tx.copy(application_logs, LOG_COLUMNS, [_log_line(number) for number in range(32)])
    with s.get_write_session("telegram") as tx:
        for number in range(1, 9):
            s.save_telegram_chat(number, number & 1 or None, tx=tx)
            if number >> 1 & 1:
                s.authorize_telegram_chat(number, tx=tx)
            s.set_telegram_notifications(number, bool(number >> 2 & 1), tx=tx)
    whole = s.get_order_history(user)
    return user, to_cursor(whole[9].placed_at, whole[9].id)


def _add_trade(number: int, user: int, book: s.Book) -> None:
    s.import_trade(
        f"T{number}", user, ("zerodha", "fyers")[number & 1], ("SBIN", "INFY")[number >> 1 & 1],
        "NSE", "BUY", "MIS", 1, 10.0, MONDAY + timedelta(days=number >> 3, seconds=number % 3),
        book=book,
    )  # fmt: skip


def _log_line(number: int) -> tuple[Any, ...]:
    level, logger = ("INFO", "ERROR")[number & 1], ("app.a", "other")[number >> 1 & 1]
    message = ("50% off", "50 off")[number >> 2 & 1]
    return MONDAY + timedelta(seconds=number // 3), level, logger, message, "m", "f", 7, None, None


def test_every_function_makes_one_query_for_each_shape(
    store: Store, made: list[Query[Any]]
) -> None:
    """Asked again with other values none is made."""
    user, cursor = fill()
    later = to_cursor(MONDAY + timedelta(days=2), 1)
    days = date(2026, 3, 2), date(2026, 3, 3)
    pairs: list[tuple[Callable[..., object], dict[str, Any], dict[str, Any]]] = [
        (s.get_orders_after, {"user_id": user}, {"user_id": 99, "limit": 7}),
        (s.get_orders_after, {"user_id": user, "cursor": cursor, "status": "OPEN"},
         {"user_id": 99, "cursor": later, "status": "COMPLETE"}),
        (s.get_orders_after, {"user_id": user, "start_date": days[0], "book": SANDBOX},
         {"user_id": user, "start_date": days[1], "book": SANDBOX}),
        (s.get_order_history, {"user_id": user, "page": 2, "per_page": 3, "end_date": days[1]},
         {"user_id": user, "page": 3, "per_page": 4, "end_date": days[0]}),
        (s.get_trades, {"user_id": user, "symbol": "SBIN"}, {"user_id": 99, "symbol": "INFY"}),
        (s.get_trades, {"user_id": user, "after": s.get_trades(user)[1].id},
         {"user_id": user, "after": s.get_trades(user)[3].id, "limit": 2}),
        (s.get_realized_pnl, {"user_id": user, "start_date": days[0], "end_date": days[1]},
         {"user_id": 99, "start_date": days[1], "end_date": days[1]}),
        (s.get_logs, {"level": "ERROR", "text": "off", "logger": "app"},
         {"level": "error", "text": "50%", "logger": "other", "limit": 5}),
        (s.get_logs, {"until": MONDAY}, {"until": clock.now()}),
        (s.update_order, {"order_id": "A1", "price": 10.0}, {"order_id": "A2", "price": None}),
        (s.update_user, {"user_id": user, "email": "a@x.in"}, {"user_id": user, "email": "b@x.in"}),
        (s.update_strategy, {"strategy_id": 1, "config": {"a": 1}, "name": "one"},
         {"strategy_id": 2, "config": None, "name": "two"}),
        (s.list_strategies, {"user_id": user, "is_active": True},
         {"user_id": 99, "is_active": False}),
        (s.list_telegram_chats, {"user_id": 1}, {"user_id": 2}),
        (s.symbol_loads, {"broker": "zerodha"}, {"broker": "fyers", "limit": 1}),
        (s.get_underlyings, {"broker": "zerodha", "exchange": "NFO", "instrument_type": "CE"},
         {"broker": "fyers", "exchange": "MCX", "instrument_type": "FUT"}),
        (s.get_expiries, {"underlying": "NIFTY", "exchange": "NFO", "broker": "zerodha"},
         {"underlying": "GOLD", "exchange": "MCX", "broker": "fyers", "include_expired": True}),
        (s.purge_logs, {"before": MONDAY + timedelta(seconds=5), "batch_size": 5},
         {"before": clock.now(), "batch_size": 4}),
        (inspect, {}, {}),
    ]  # fmt: skip
    for function, first, second in pairs:
        function(**first)
        made.clear()
        function(**second)
        assert made == [], function.__name__


Passes = dict[str, tuple[Any, Callable[[Any], bool]]]
"""Of each filter a value, and which records it lets through."""


def subsets(passes: Passes) -> Iterator[tuple[dict[str, Any], list[Callable[[Any], bool]]]]:
    """Every combination of the filters."""
    for size in range(len(passes) + 1):
        for names in combinations(passes, size):
            chosen = [passes[name] for name in names]
            yield (
                dict(zip(names, (each[0] for each in chosen), strict=True)),
                [each[1] for each in chosen],
            )


def check(whole: list[Any], ask: Callable[..., list[Any]], passes: Passes) -> None:
    """That each combination finds what a plain filter finds."""
    assert len(whole) > 3
    for filters, rules in subsets(passes):
        expected = [each for each in whole if all(rule(each) for rule in rules)]
        assert ask(**filters) == expected, filters


def equals(name: str, value: Any) -> tuple[Any, Callable[[Any], bool]]:
    return value, lambda each: getattr(each, name) == value


def days(moment: str) -> Passes:
    """The second and the third day of `fill`."""
    begin = MONDAY.replace(hour=18, minute=30)
    return {
        "start_date": (date(2026, 3, 3), lambda each: getattr(each, moment) >= begin),
        "end_date": (
            date(2026, 3, 4),
            lambda each: getattr(each, moment) < begin + timedelta(days=2),
        ),
    }


def test_every_combination_of_filters_finds_what_a_plain_filter_finds(store: Store) -> None:
    user, cursor = fill()
    for book in (LIVE, SANDBOX):
        orders = s.get_order_history(user, book=book)
        passes = days("placed_at") | {
            name: equals(name, value)
            for name, value in (("status", "OPEN"), ("symbol", "SBIN"), ("broker", "fyers"))
        }
        check(orders, lambda **asked: s.get_order_history(user, book=book, **asked), passes)  # noqa: B023
        after = {"cursor": (cursor, lambda each: each in orders[10:])}  # noqa: B023
        check(
            orders,
            lambda **asked: s.get_orders_after(user, book=book, **asked).orders,  # noqa: B023
            passes | after,
        )
        trades = s.get_trades(user, book=book)
        passes = days("traded_at") | {
            "symbol": equals("symbol", "INFY"),
            "broker": equals("broker", "zerodha"),
            "after": (trades[4].id, lambda each: each in trades[5:]),  # noqa: B023
        }
        check(trades, lambda **asked: s.get_trades(user, book=book, **asked), passes)  # noqa: B023


def test_every_combination_of_what_logs_strategies_and_chats_are_asked_for(store: Store) -> None:
    user, _ = fill()
    entries: list[LogEntry] = s.get_logs().entries
    since, until = MONDAY + timedelta(seconds=2), MONDAY + timedelta(seconds=9)
    passes: Passes = {
        "level": ("ERROR", lambda each: each.level == "ERROR"),
        "logger": ("app", lambda each: each.logger == "app.a"),
        "since": (since, lambda each: each.timestamp >= since),
        "until": (until, lambda each: each.timestamp < until),
        "text": ("50%", lambda each: "50%" in each.message),
        "cursor": (
            to_cursor(entries[3].timestamp, entries[3].id),
            lambda each: each in entries[4:],
        ),
    }
    check(entries, lambda **asked: s.get_logs(**asked).entries, passes)
    none = passes | {"level": (99, lambda each: False)}
    check(entries, lambda **asked: s.get_logs(**asked).entries, none)
    strategies = s.list_strategies(user)
    passes = {
        "strategy_type": equals("strategy_type", "python"),
        "is_active": equals("is_active", True),
    }
    check(strategies, lambda **asked: s.list_strategies(user, **asked), passes)
    chats = s.list_telegram_chats()
    names = ("user_id", "is_authorized", "notification_enabled")
    passes = {
        name: equals(name, value) for name, value in zip(names, (1, True, False), strict=True)
    }
    check(chats, s.list_telegram_chats, passes)


def test_nobody_is_not_everybody(store: Store) -> None:
    """None as a filter asks for nothing; None as the user is no user."""
    fill()
    nobody: Any = None
    assert s.get_orders_after(nobody) == ([], None)
    for function in (s.get_order_history, s.get_trades, s.list_strategies):
        assert function(nobody) == []


CHANGES: dict[str, Any] = {"quantity": 7, "price": 1.5, "trigger_price": 2.5, "order_type": "SL"}


def test_every_combination_of_changes_changes_these_columns_alone(store: Store) -> None:
    user = new_user()
    for number, names in enumerate(
        names for size in range(1, 5) for names in combinations(CHANGES, size)
    ):
        before = add_order(user, f"A{number}", book=LIVE)
        add_order(user, f"B{number}", book=LIVE)
        changes = {name: CHANGES[name] for name in names}
        after = s.update_order(f"A{number}", **changes)
        assert after == before._replace(**changes, updated_at=after.updated_at)
        assert after.updated_at is not None
        assert s.get_order(f"A{number}") == after
        other = s.get_order(f"B{number}")
        assert other is not None
        assert other.updated_at is None
