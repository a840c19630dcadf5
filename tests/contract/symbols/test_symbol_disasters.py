"""Loads that meet the world: real and damaged files, servers that go away, processes that die."""

import csv
import gzip
import io
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from openalgo_store import (
    InvalidInput,
    Store,
    SymbolLoadRefused,
    Unavailable,
    count_symbols,
    get_read_session,
    get_symbol_by_broker_symbol,
    get_symbol_by_token,
    get_symbol_token,
    get_write_session,
    last_symbol_load,
    read_instruments,
    replace_symbols,
    symbol_loads,
)
from openalgo_store.engine.queries import Query
from openalgo_store.instruments.samples.generator import write_next_day, write_zerodha_file
from openalgo_store.tables.symbols import symbols
from openalgo_store.values import clock
from tests.programs.databases import MASTER_SIZE, result_of, start
from tests.support.chance import chance_of
from tests.support.endings import lose_one_answer
from tests.support.processes import wait_until_ready
from tests.support.real_files import real_file
from tests.support.rows import master, shares
from tests.support.waiting import wait_for_a_lock


@pytest.fixture(scope="session")
def two_days(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A generated file of 2,000 instruments and the next day's."""
    folder = tmp_path_factory.mktemp("files")
    today, tomorrow = folder / "today.csv", folder / "tomorrow.csv.gz"
    write_zerodha_file(today, 2000)
    write_next_day(tomorrow, 2000)
    return today, tomorrow


def test_two_days_of_files_load_as_generated(store: Store, two_days: tuple[Path, Path]) -> None:
    today, tomorrow = two_days
    first = replace_symbols(read_instruments("zerodha", today), "zerodha")
    assert (first.inserted, first.rejected) == (2000, 0)
    second = replace_symbols(read_instruments("zerodha", tomorrow), "zerodha")
    assert (second.updated, second.inserted, second.deleted, second.rejected) == (60, 20, 20, 5)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda whole: gzip.compress(whole)[:-2000], "truncated|damaged|ends too early"),
        (lambda whole: b"<!DOCTYPE html><html><body>Login</body></html>", "HTML"),
        (
            lambda whole: b"token,symbol\n1,TCS\n",
            "its first line lacks instrument_token",
        ),
        (lambda whole: b"", "empty"),
        (lambda whole: whole.splitlines()[0] + b"\n", "no row that can be stored"),
        (lambda whole: b"\n".join(whole.splitlines()[:500]), "less than half"),
    ],
    ids=["truncated gzip", "HTML page", "foreign header", "0 bytes", "no rows", "stub"],
)
def test_a_bad_file_is_refused_whole_and_recorded(
    store: Store,
    two_days: tuple[Path, Path],
    tmp_path: Path,
    damage: Callable[[bytes], bytes],
    message: str,
) -> None:
    today, _ = two_days
    replace_symbols(read_instruments("zerodha", today), "zerodha")
    before = master()
    bad = tmp_path / "bad.csv"
    bad.write_bytes(damage(today.read_bytes()))
    with pytest.raises((InvalidInput, SymbolLoadRefused), match=message):
        replace_symbols(read_instruments("zerodha", bad), "zerodha")
    assert master() == before
    refused = last_symbol_load("zerodha")
    assert refused is not None
    assert refused.status == "refused"


@pytest.mark.parametrize(
    ("name", "rows"), [("zerodha_nfo_bfo.csv.gz", 39_941), ("zerodha_sample.csv", 99)]
)
def test_a_real_file_is_stored_whole_and_found_by_token_and_broker_symbol(
    store: Store, name: str, rows: int
) -> None:
    path = real_file(name)
    load = replace_symbols(read_instruments("zerodha", path), "zerodha")
    assert (load.total, load.inserted, load.rejected) == (rows, rows, 0)
    content = path.read_bytes()
    text = (gzip.decompress(content) if name.endswith(".gz") else content).decode()
    for row in csv.DictReader(io.StringIO(text)):
        token = f"{row['instrument_token']}::::{row['exchange_token']}"
        found = get_symbol_by_token(token, row["exchange"], "zerodha")
        assert found is not None
        named = get_symbol_by_broker_symbol(row["tradingsymbol"], row["exchange"], "zerodha")
        assert named == found
        assert (found.expiry.isoformat() if found.expiry else "") == row["expiry"]
        assert (found.strike, found.tick_size) == (float(row["strike"]), float(row["tick_size"]))
        assert found.lot_size == int(row["lot_size"])
    if rows > 1000:
        assert get_symbol_token("NIFTY25AUG26FUT", "NFO", "zerodha") == "14866434::::58072"


@pytest.mark.only("postgresql")
def test_a_connection_that_the_server_ends_leaves_yesterdays_master(store: Store) -> None:
    replace_symbols(shares(10), "zerodha")
    before = master()
    backend = Query.of(select(func.pg_backend_pid()), int)
    with pytest.raises(Unavailable), get_write_session() as tx:
        pid = tx.value(backend)
        with get_read_session("logs") as other:
            other.value(Query.of(select(func.pg_terminate_backend(pid)), bool))
        replace_symbols(shares(20, token="N"), "zerodha", tx=tx)
    assert master() == before
    assert replace_symbols(shares(20, token="N"), "zerodha").inserted == 10


@pytest.mark.only("postgresql")
def test_a_connection_that_the_server_ends_during_copy_is_told_and_replaced(store: Store) -> None:
    backend = Query.of(select(func.pg_backend_pid()), int)
    columns = ["broker", "symbol", "broker_symbol", "token", "exchange", "last_updated"]

    def rows(pid: int | None) -> Iterator[tuple[object, ...]]:
        with get_read_session("logs") as other:
            other.value(Query.of(select(func.pg_terminate_backend(pid)), bool))
        for number in range(100_000):
            yield ("b", f"S{number}", "S", "1", "NSE", clock.now())

    with pytest.raises(Unavailable), get_write_session() as tx:
        tx.copy(symbols, columns, rows(tx.value(backend)))
    assert count_symbols() == 0


@pytest.mark.only("postgresql")
def test_a_load_whose_commit_is_not_answered_is_not_recorded_as_refused(store: Store) -> None:
    with lose_one_answer(), pytest.raises(Unavailable) as raised:
        replace_symbols(shares(10), "zerodha")
    assert raised.value.outcome_unknown
    assert [each.status for each in symbol_loads("zerodha")] == ["loaded"]
    assert len(master()) == 10


def test_a_killed_load_leaves_one_of_the_two_masters_whole(
    store: Store, soak: Callable[[int], int]
) -> None:
    """SIGKILL at random moments of a process that loads two masters in turn, beside a reader."""
    moments = chance_of("kills of a load")
    both = [
        {each.symbol: each.token for each in shares(MASTER_SIZE, token=token)} for token in "AB"
    ]
    replace_symbols(shares(50, token="other"), "angel")
    angel = master("angel")
    replace_symbols(shares(MASTER_SIZE, token="A"), "zerodha")
    reads = 0
    for _ in range(soak(40)):
        loader = start("replace_for_ever", store.settings)
        wait_until_ready(loader)
        end = time.monotonic() + moments.uniform(0.0, 0.4)
        while time.monotonic() < end:
            assert {name: each.token for name, each in master("zerodha").items()} in both
            reads += 1
        loader.kill()
        loader.communicate()
        assert loader.returncode == -signal.SIGKILL
        assert {name: each.token for name, each in master("zerodha").items()} in both
    assert reads > 10
    assert master("angel") == angel
    last = symbol_loads("zerodha", limit=1)[0]
    assert (last.status, last.unchanged + last.updated + last.inserted) == ("loaded", MASTER_SIZE)
    assert replace_symbols(shares(MASTER_SIZE, token="C"), "zerodha").updated == MASTER_SIZE


def test_two_processes_that_load_one_broker_wait_for_each_other(
    store: Store, engine_name: str
) -> None:
    """The second has read its source while the first has stored its own and not committed it."""
    with get_write_session() as tx:
        assert replace_symbols(shares(MASTER_SIZE, token="A"), "zerodha", tx=tx).inserted
        loader = start("replace_once", store.settings, "zerodha", "B")
        assert loader.stdout is not None
        assert loader.stdout.readline() == "read\n"
        if engine_name == "postgresql":  # SQLite has one writer at a time in any case
            wait_for_a_lock()
    assert result_of(loader) == {"inserted": 0, "updated": MASTER_SIZE}
    assert {each.token[0] for each in master("zerodha").values()} == {"B"}
