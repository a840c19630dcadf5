"""The daily load: only differences are written, and a bad master harms nothing."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from openalgo_store import (
    Instrument,
    InvalidInput,
    RejectedRow,
    RenamedSymbol,
    SessionMisuse,
    Store,
    Symbol,
    SymbolLoad,
    SymbolLoadRefused,
    bulk_insert_symbols,
    count_symbols,
    get_read_session,
    get_write_session,
    last_symbol_load,
    replace_symbols,
    symbol_loads,
)
from tests.support.rows import COUNT_USERS, master, shares


def row_versions(store: Store) -> Callable[[], object]:
    """A function whose answer changes when any row of symbols is written, changed back or not."""
    if store.databases["main"].name == "postgresql":
        sql = "SELECT json_agg(json_build_array(id, xmin, ctid) ORDER BY id)::text FROM symbols"
        return lambda: _scalar(sql)
    with get_write_session() as tx:
        tx.connection.exec_driver_sql("CREATE TABLE witness (writes INTEGER)")
        tx.connection.exec_driver_sql("INSERT INTO witness VALUES (0)")
        for event in ("INSERT", "UPDATE", "DELETE"):
            tx.connection.exec_driver_sql(
                f"CREATE TRIGGER witness_{event} AFTER {event} ON symbols "
                "BEGIN UPDATE witness SET writes = writes + 1; END"
            )
    return lambda: _scalar("SELECT writes FROM witness")


def unwritten(now: object, before: object) -> int:
    """How many rows PostgreSQL still has in the version of before."""
    return len(set(map(tuple, json.loads(str(now)))) & set(map(tuple, json.loads(str(before)))))


def _scalar(sql: str) -> object:
    with get_read_session() as tx:
        return tx.connection.exec_driver_sql(sql).scalar()


def balanced(load: SymbolLoad) -> bool:
    """Whether every row given is accounted for."""
    return load.total == load.inserted + load.updated + load.unchanged + load.rejected


def test_a_first_load_stores_every_symbol_with_all_its_columns(store: Store) -> None:
    given = Instrument(
        "NIFTY25AUG2624000.5CE", "NFO", "1::::2", "NIFTY26AUG24000.5CE", "NIFTY", "NFO", "CE",
        65, 0.05, date(2026, 8, 25), 24000.5, "CE",
    )  # fmt: skip
    load = replace_symbols([given], "zerodha")
    assert (load.inserted, load.status, load.loaded, balanced(load)) == (1, "loaded", True, True)
    stored = master()[given.symbol]
    assert stored == Symbol(
        stored.id, "zerodha", given.symbol, given.broker_symbol, given.token, "NFO", "NFO",
        "NIFTY", "CE", 65, 0.05, given.expiry, 24000.5, "CE", load.started_at, None,
    )  # fmt: skip


def test_the_next_day_writes_only_what_differs(store: Store) -> None:
    first = shares(100)
    replace_symbols(first, "zerodha")
    before = master()
    versions = row_versions(store)
    written_before = versions()
    next_day = [each._replace(lot_size=75) if i < 3 else each for i, each in enumerate(first[1:])]
    load = replace_symbols([*next_day, *shares(102)[100:]], "zerodha")
    assert (load.inserted, load.updated, load.deleted, load.unchanged) == (2, 3, 1, 96)
    assert balanced(load)
    after = master()
    assert after.keys() == (before.keys() - {"SHARE0"}) | {"SHARE100", "SHARE101"}
    moved = {name for name in after if name in before and after[name] != before[name]}
    assert moved == {"SHARE1", "SHARE2", "SHARE3"}
    assert all(after[name].id == before[name].id for name in moved)
    assert all(after[name].last_updated == load.started_at for name in moved)
    if isinstance(written_before, int):
        assert versions() == written_before + 2 + 3 + 1
    else:
        assert unwritten(versions(), written_before) == 96


def test_the_same_master_again_writes_no_symbol_at_all(store: Store) -> None:
    replace_symbols(shares(500), "zerodha")
    versions = row_versions(store)
    before = versions()
    load = replace_symbols(shares(500), "zerodha")
    assert (load.unchanged, load.inserted, load.updated, load.deleted) == (500, 0, 0, 0)
    assert versions() == before


def test_a_symbol_that_changes_its_symbol_is_a_new_one(store: Store) -> None:
    replace_symbols(shares(10), "zerodha")
    renamed = [each._replace(symbol=f"NEW{each.symbol}") for each in shares(10)]
    load = replace_symbols(renamed, "zerodha")
    assert (load.inserted, load.deleted) == (10, 10)


def test_every_column_takes_part_in_the_comparison(store: Store) -> None:
    base = shares(1)[0]
    changes: dict[str, Any] = {
        "token": "other", "broker_symbol": "other", "name": "Other", "broker_exchange": "N",
        "instrument_type": "XX", "lot_size": 2, "tick_size": 0.1,
        "expiry": date(2026, 8, 25), "strike": 5.0, "option_type": "CE",
        "contract_value": 0.001,
    }  # fmt: skip
    replace_symbols([base], "zerodha")
    for column, value in changes.items():
        base = base._replace(**{column: value})
        assert replace_symbols([base], "zerodha").updated == 1, column
        assert getattr(master()["SHARE0"], column) == value


@pytest.mark.parametrize("values", [(0.001, None), (None, 0.001), (None, None), (0.001, 0.002)])
def test_some_contracts_of_a_master_have_a_value(
    store: Store, values: tuple[float | None, float | None]
) -> None:
    contracts = [
        each._replace(contract_value=value) for each, value in zip(shares(2), values, strict=True)
    ]
    assert replace_symbols(contracts, "zerodha").inserted == 2
    assert tuple(each.contract_value for each in master().values()) == values
    assert replace_symbols(contracts, "zerodha").unchanged == 2
    others = [each._replace(contract_value=values[1]) for each in contracts]
    bulk_insert_symbols([*others, shares(3)[2]], "zerodha")
    assert [each.contract_value for each in master().values()] == [values[1], values[1], None]


def test_other_brokers_are_untouched(store: Store) -> None:
    replace_symbols(shares(10, token="Z"), "zerodha")
    replace_symbols(shares(10, token="A"), "angel")
    zerodha = master("zerodha")
    replace_symbols(shares(5, token="B"), "angel", force=True)
    assert master("zerodha") == zerodha
    assert (count_symbols("zerodha"), count_symbols("angel"), count_symbols()) == (10, 5, 15)


def test_bulk_insert_adds_and_changes_but_removes_nothing(store: Store) -> None:
    bulk_insert_symbols(shares(10), "zerodha")
    load = bulk_insert_symbols([shares(12)[11], shares(1, token="N")[0]], "zerodha")
    assert (load.inserted, load.updated, load.deleted, count_symbols("zerodha")) == (1, 1, 0, 11)


def test_mappings_are_taken_as_well_as_records(store: Store) -> None:
    mapping = {
        "symbol": "TCS",
        "exchange": "NSE",
        "token": 2885.0,
        "lot_size": "1",
        "strike": "NaN",
    }
    assert replace_symbols([mapping], "angel").inserted == 1
    stored = master("angel")["TCS"]
    assert (stored.token, stored.broker_symbol, stored.lot_size, stored.strike) == (
        "2885", "TCS", 1, None,
    )  # fmt: skip


def test_a_load_that_one_row_ends_tells_what_came_before_it(store: Store) -> None:
    """In a chunk of rows that are checked together."""
    before: list[Any] = [
        *shares(20),
        {"symbol": "ODD", "exchange": "NOWHERE", "token": "1"},
        *shares(20),
    ]
    with pytest.raises(InvalidInput, match="unknown columns of a symbol: colour"):
        replace_symbols([*before, {"colour": 1}, *before], "zerodha")
    (load,) = symbol_loads()
    assert (load.status, load.total, load.rejected) == ("refused", 42, 21)
    assert load.rejected_by_reason == {"exchange is unknown": 1, "symbol occurs twice": 20}


def test_an_unknown_column_is_named_with_those_allowed(store: Store) -> None:
    with pytest.raises(InvalidInput, match="unknown columns of a symbol: lotsize; allowed are"):
        replace_symbols([{"symbol": "A", "exchange": "NSE", "token": "1", "lotsize": 1}], "angel")
    assert count_symbols() == 0


def test_bad_rows_are_rejected_each_with_its_reason_and_the_rest_is_stored(store: Store) -> None:
    bad: list[Any] = [
        {"symbol": "", "exchange": "NSE", "token": "1"},
        {"symbol": "A", "exchange": "MOON", "token": "1"},
        {"symbol": "B", "exchange": "NSE", "token": "1", "lot_size": -1},
        {"symbol": "C\0", "exchange": "NSE", "token": "1"},
        {"symbol": "D" * 65, "exchange": "NSE", "token": "1"},
        {"symbol": "E", "exchange": "NSE", "token": "1", "series": ["EQ"]},
        shares(1)[0]._replace(lot_size=-1, line=4711),
        {"symbol": "F", "exchange": "NSE", "token": ["1"]},
        RejectedRow(7, "too few columns\0", "a,b\ud800\0"),
    ]
    load = replace_symbols([*shares(4), *bad], "zerodha")
    assert (load.inserted, load.rejected, balanced(load)) == (4, 9, True)
    assert sum(load.rejected_by_reason.values()) == 9
    assert load.rejected_by_reason["exchange is unknown"] == 1
    assert load.rejected_rows[0].line == 5  # behind four good rows
    assert [each.line for each in load.rejected_rows[-3:]] == [4711, 12, 7]
    assert load.rejected_rows[-1] == RejectedRow(7, "too few columns\\x00", "a,b\\ud800\\x00")
    assert last_symbol_load("zerodha") == load


def test_only_the_first_hundred_rejected_rows_are_kept_in_full(store: Store) -> None:
    bad = [{"symbol": f"S{i}", "exchange": "MOON", "token": "1"} for i in range(250)]
    load = replace_symbols([*shares(1), *bad], "zerodha", force=True)
    assert (load.rejected, len(load.rejected_rows)) == (250, 100)
    assert load.rejected_by_reason == {"exchange is unknown": 250}


@pytest.mark.parametrize("eq_first", [True, False])
def test_when_two_shares_meet_the_equity_has_the_bare_name(store: Store, eq_first: bool) -> None:
    equity = Instrument("CDSL", "NSE", "1", "CDSL", series="EQ")
    other = Instrument("CDSL", "NSE", "2", "CDSL-BE", series="BE")
    pair = [equity, other] if eq_first else [other, equity]
    load = replace_symbols(pair, "zerodha")
    assert load.renamed == [RenamedSymbol("CDSL", "NSE", "CDSL-BE")]
    assert {name: each.token for name, each in master().items()} == {"CDSL": "1", "CDSL-BE": "2"}
    assert last_symbol_load("zerodha") == load


def test_a_symbol_that_occurs_twice_is_rejected_once(store: Store) -> None:
    load = replace_symbols([*shares(2), *shares(1)], "zerodha")
    assert (load.inserted, load.rejected_by_reason) == (2, {"symbol occurs twice": 1})


def test_an_empty_master_is_refused_unless_forced(store: Store) -> None:
    replace_symbols(shares(10), "zerodha")
    before = master()
    with pytest.raises(SymbolLoadRefused, match="no row that can be stored"):
        replace_symbols([], "zerodha")
    assert master() == before
    refused = last_symbol_load("zerodha")
    assert refused is not None
    assert (refused.status, refused.loaded) == ("refused", False)
    assert "no row that can be stored" in (refused.error or "")
    assert replace_symbols([], "zerodha", force=True).deleted == 10


def test_less_than_half_of_yesterday_is_refused_unless_forced(store: Store) -> None:
    replace_symbols(shares(10), "zerodha")
    with pytest.raises(SymbolLoadRefused, match="4 rows, less than half of the 10"):
        replace_symbols(shares(4), "zerodha")
    assert replace_symbols(shares(5), "zerodha").deleted == 5
    assert replace_symbols(shares(2), "zerodha", force=True).deleted == 3


def test_a_source_that_breaks_in_the_middle_leaves_yesterdays_master(store: Store) -> None:
    def broken() -> Iterator[Instrument]:
        yield from shares(9)
        raise OSError("the connection was reset\0\ud800")

    replace_symbols(shares(10), "zerodha")
    before = master()
    with pytest.raises(OSError, match="reset"):
        replace_symbols(broken(), "zerodha")
    assert master() == before
    assert [(each.status, each.error) for each in symbol_loads("zerodha")] == [
        ("refused", "OSError: the connection was reset\\x00\\ud800"),
        ("loaded", None),
    ]


def test_with_a_session_of_the_caller_a_refusal_is_only_raised(store: Store) -> None:
    replace_symbols(shares(10), "zerodha")
    with get_write_session() as tx:
        with pytest.raises(SymbolLoadRefused):
            replace_symbols([], "zerodha", tx=tx)
        replace_symbols(shares(11), "zerodha", tx=tx)
    assert [each.status for each in symbol_loads()] == ["loaded", "loaded"]
    with pytest.raises(ZeroDivisionError), get_write_session() as tx:
        replace_symbols(shares(20), "zerodha", tx=tx)
        _ = 1 / 0
    assert count_symbols() == 11


def test_a_load_that_cannot_be_stored_reads_nothing_of_its_source(store: Store) -> None:
    source = iter(shares(10))
    with get_write_session() as tx:
        tx.value(COUNT_USERS)
        with pytest.raises(SessionMisuse):
            replace_symbols(source, "zerodha")
    with get_read_session() as tx:
        with pytest.raises(SessionMisuse):
            replace_symbols(source, "zerodha", tx=tx)
    assert len(list(source)) == 10


def test_a_failure_while_writing_leaves_yesterdays_master(store: Store) -> None:
    replace_symbols(shares(10), "zerodha")
    before = master()
    with get_write_session() as tx:  # the record of the load can then not be written
        tx.connection.exec_driver_sql("ALTER TABLE symbol_loads RENAME TO away")
    with pytest.raises(Exception, match="symbol_loads"):
        replace_symbols(shares(20, token="N"), "zerodha")
    with get_write_session() as tx:
        tx.connection.exec_driver_sql("ALTER TABLE away RENAME TO symbol_loads")
    assert master() == before


@pytest.mark.parametrize("broker", ["", " zerodha", "z" * 51])
def test_a_broker_needs_a_name(store: Store, broker: str) -> None:
    with pytest.raises(InvalidInput, match="broker must be a name"):
        replace_symbols(shares(1), broker)


def test_loads_are_listed_newest_first(store: Store) -> None:
    for broker in ("zerodha", "angel", "zerodha"):
        replace_symbols(shares(3), broker)
    assert [each.broker for each in symbol_loads()] == ["zerodha", "angel", "zerodha"]
    assert len(symbol_loads("zerodha", limit=1)) == 1
    assert last_symbol_load("dhan") is None
    with pytest.raises(InvalidInput, match="limit"):
        symbol_loads(limit=0)
