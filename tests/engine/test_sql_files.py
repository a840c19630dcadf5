"""The reader of sql/: what it understands, what it refuses, and where types come from."""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Boolean, Column, Date, MetaData, Table

from openalgo_store.engine.sql_files import SqlFile
from openalgo_store.engine.sql_reader import _INSTEAD, read_statements
from openalgo_store.tables.accounts import auth_tokens, users
from openalgo_store.tables.strategies import strategies
from openalgo_store.tables.symbols import symbols
from openalgo_store.tables.trading import live
from openalgo_store.tables.types import Finite, OneOf, PlainText, UTCDateTime, Whole

Written = Callable[..., SqlFile]

PAGE = (Path(__file__).parents[2] / "docs" / "statements.md").read_text()
REFUSED = re.findall(r"^\| `(.+?)` \| (.+?) \|$", PAGE, re.MULTILINE)


class Pair(NamedTuple):
    symbol: str
    token: str


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Written]:
    """A function that writes a file of sql/ and opens it with Tables and prefixes."""

    def write(source: str, *tables: Table, **prefixes: str) -> SqlFile:
        (tmp_path / "file.sql").write_text(source)
        monkeypatch.setattr("openalgo_store.engine.sql_reader.project_folder", lambda _: tmp_path)
        read_statements.cache_clear()
        return SqlFile("file.sql", *tables, **prefixes)

    yield write
    read_statements.cache_clear()


def one(sql: str) -> str:
    """A file with one statement, x."""
    return f"-- name: x\n-- Why.\n{sql};\n"


# The text


def test_a_missing_statement_or_a_wrong_column_fails_when_it_is_read() -> None:
    file = SqlFile("symbols/symbols.sql", symbols)
    with pytest.raises(LookupError, match="no statement named get_moon"):
        file.query("get_moon", Pair)
    with pytest.raises(LookupError, match=r"get_symbol: returns .*, not \['symbol', 'token'\]"):
        file.query("get_symbol", Pair)
    with pytest.raises(LookupError, match="count_symbols: returns"):
        file.command("count_symbols")
    with pytest.raises(LookupError, match=r"get_symbol: returns .*, not one value"):
        file.query("get_symbol", str)


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SELECT a, t.b, count(*) AS n FROM t", ("a", "b", "n")),
        ("SELECT DISTINCT a FROM t", ("a",)),
        ("SELECT a FROM t UNION SELECT b FROM u", ("a",)),
        ("SELECT 'a, b' AS a, CASE WHEN c THEN 1 ELSE 2 END AS b UNION SELECT 1, 2", ("a", "b")),
        ("SELECT extract(EPOCH FROM a) AS epoch, b FROM t", ("epoch", "b")),
        ("WITH x AS (SELECT q FROM t) SELECT max(a, (SELECT 1)) AS m, b FROM x", ("m", "b")),
        ("WITH x AS (SELECT q FROM t) UPDATE t SET q = 1 FROM x", ()),
        ("WITH x AS (SELECT q FROM t) INSERT INTO t SELECT q FROM x RETURNING t.id", ("id",)),
        ("INSERT INTO t (a) SELECT b FROM u RETURNING id, a AS c", ("id", "c")),
        ("INSERT INTO t (a) SELECT b FROM u", ()),
        ("DELETE FROM t WHERE a = :a", ()),
        ("SELECT 1 AS one", ("one",)),
    ],
)
def test_the_columns_of_a_statement_are_read_from_its_text(
    written: Written, sql: str, columns: tuple[str, ...]
) -> None:
    written(one(sql))
    assert read_statements("file.sql")["x"][None].columns == columns


def test_comments_and_literals_are_told_apart(written: Written) -> None:
    sql = "SELECT id -- isn't :one; it's (\nFROM users WHERE username <> '--; (''12:30, FROM %s?'"
    query = written(one(sql), users).query("x", int)
    (statement,) = read_statements("file.sql")["x"].values()
    assert statement.comment == "Why."
    assert statement.binds == set()
    assert str(query.on("sqlite")).endswith("username <> '--; (''12:30, FROM %s?'")


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("SELECT id FROM users;\n-- name: x\n", "begin the first statement with -- name:"),
        ("-- name: x\nSELECT id FROM users;", "say above it, in a comment, which index serves it"),
        (one("SELECT id FROM users") * 2, "has x twice"),
        ("-- name: x y\n-- Why.\nSELECT id FROM users;", "-- name: x y: write -- name: its_name"),
        ("  -- name: x\n-- Why.\nSELECT id FROM users;", "write -- name: its_name"),
        ("-- name: x @oracle\n-- Why.\nSELECT id FROM users;", "with @engine or not"),
        ("-- name: x @sqlite\n-- Why.\nSELECT id FROM users;", "not the same for every engine"),
    ],
)
def test_a_file_that_is_not_of_the_format_is_refused(
    written: Written, source: str, why: str
) -> None:
    file = written(source, users)
    with pytest.raises(LookupError, match=why):
        file.query("x", int)


@pytest.mark.parametrize(
    "other", ["SELECT id AS no FROM users WHERE id = :id", "DELETE FROM users"]
)
def test_the_texts_of_both_engines_take_and_return_the_same(written: Written, other: str) -> None:
    first = one("SELECT id FROM users WHERE id = :id")
    file = written(first + one(other).replace("x", "x @sqlite", 1), users)
    with pytest.raises(LookupError, match="x is not the same for every engine"):
        file.query("x", int)


def test_a_mark_becomes_the_prefix_of_its_table(written: Written) -> None:
    source = one("SELECT o.order_id FROM /*book*/orders AS o, /*kind*/writers AS w")
    query = written(source, live.orders, book="sandbox_", kind="log_").query("x", str)
    assert "FROM sandbox_orders AS o, log_writers AS w" in str(query.on("sqlite"))
    assert query.binds == {}


@pytest.mark.parametrize("prefixes", [{}, {"kind": "log_"}, {"book": "", "kind": "log_"}])
def test_a_statement_has_exactly_the_marks_that_prefixes_are_given_for(
    written: Written, prefixes: dict[str, str]
) -> None:
    file = written(one("SELECT order_id FROM /*book*/orders"), live.orders, **prefixes)
    with pytest.raises(LookupError, match=r"x: has the marks \['book'\], not"):
        file.query("x", str)


# docs/statements.md


class Left(NamedTuple):
    order_id: str
    status: str
    left_to_fill: int


def test_the_example_of_the_page_is_read(written: Written) -> None:
    (example,) = re.findall(r"^```sql\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    file = written(example, live.orders, book="sandbox_")
    names: dict[str, Any] = {"BookSql": lambda *_: file, "_Left": Left, "PlainText": PlainText}
    exec(re.findall(r"^```python.*?\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[0], names)
    locked, counted = names["_lock_orders_after"], names["_count_open_orders"]
    assert "NO KEY" not in str(locked.on("sqlite"))
    assert "NO KEY" in str(locked.on("postgresql"))
    assert "FROM sandbox_orders" in str(counted.on("postgresql"))


@pytest.mark.parametrize(("sql", "instead"), REFUSED)
def test_what_the_page_calls_refused_is_refused(written: Written, sql: str, instead: str) -> None:
    file = written(one(sql), users)
    with pytest.raises(LookupError, match=re.escape(instead)):
        file.command("x")


def test_the_page_names_whatever_is_refused() -> None:
    named = " ".join(instead for _, instead in REFUSED)
    assert len(REFUSED) > len(_INSTEAD)
    assert [each for each in _INSTEAD.values() if each not in named] == []


# The types


class Typed(NamedTuple):
    username: str
    flag: bool | None
    number: int
    share: float
    word: str | None
    moment: datetime
    day: date | None


def test_types_come_from_the_tables_and_then_from_the_record(written: Written) -> None:
    names = ", ".join(f"1 AS {each}" for each in Typed._fields)
    query = written(one(f"SELECT {names} FROM users WHERE username = :username"), users).query(
        "x", Typed
    )
    assert query.columns is not None
    assert query.columns["username"] is users.c.username.type
    kinds = [type(each) for each in query.columns.values()]
    assert kinds == [PlainText, Boolean, Whole, Finite, PlainText, UTCDateTime, Date]
    assert query.binds == {"username": users.c.username.type}
    assert list(query.columns) == list(Typed._fields)


def test_a_type_that_is_given_goes_before_that_of_the_table(written: Written) -> None:
    given = PlainText(3)
    file = written(one("SELECT username FROM users WHERE username = :username"), users)
    query = file.query("x", str, username=given)
    assert query.binds == query.columns == {"username": given}


class Anything(NamedTuple):
    what: Any


@pytest.mark.parametrize("kind", [Anything, tuple, list])
def test_a_result_without_a_type_is_refused(written: Written, kind: type) -> None:
    file = written(one("SELECT 1 AS what FROM users"), users)
    with pytest.raises(LookupError, match=r"sql/file.sql: x: what has no type"):
        if kind is tuple:
            file.rows("x", ["what"])
        else:
            file.query("x", kind)


def test_a_bind_without_a_type_is_refused_even_if_a_result_has_its_name(written: Written) -> None:
    file = written(one("SELECT 1 AS what FROM users WHERE id < :what"), users)
    with pytest.raises(LookupError, match="x: what has no type"):
        file.query("x", int)
    given = {"what": Whole()}
    assert file.query("x", int, **given).binds == given


def test_a_type_for_what_the_statement_does_not_have_is_refused(written: Written) -> None:
    file = written(one("DELETE FROM users WHERE id = :id"), users)
    with pytest.raises(LookupError, match="x: has no until, user_id to give a type"):
        file.command("x", user_id=Whole(), until=Whole())


@pytest.mark.parametrize(
    "kind",
    [PlainText(81), PlainText(), Whole(), OneOf("username", ("a",), 80), Finite()],
    ids=repr,
)
def test_two_tables_that_type_one_name_differently_are_refused(written: Written, kind: Any) -> None:
    other = Table("other", MetaData(), Column("username", kind))
    sql = one("SELECT id FROM users WHERE username = :username")
    with pytest.raises(LookupError, match="x: username is not of one type in users and other"):
        written(sql, users, other).query("x", int)
    given = {"username": users.c.username.type}
    assert written(sql, users, other).query("x", int, **given).binds == given


def test_words_of_one_length_are_two_types() -> None:
    first, second = OneOf("side", ("BUY",), 10), OneOf("side", ("SELL",), 10)
    assert first._static_cache_key != second._static_cache_key


def test_tables_may_differ_in_what_the_statement_does_not_name(written: Written) -> None:
    assert strategies.c.name.type.length != users.c.username.type.length  # type: ignore[attr-defined]
    sql = one("SELECT user_id, broker FROM auth_tokens WHERE user_id = :user_id")
    query = written(sql, auth_tokens, live.positions, live.orders).rows("x", ["user_id", "broker"])
    assert query.binds == {"user_id": auth_tokens.c.user_id.type}
