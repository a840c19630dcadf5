"""Half a file is not a master: what is refused unless forced, and what stays of yesterday's."""

import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

import pytest

from openalgo_store import (
    Instrument,
    InvalidInput,
    RejectedRow,
    Store,
    SymbolLoadRefused,
    last_symbol_load,
    read_instruments,
    replace_symbols,
    warm_symbol_cache,
)
from openalgo_store.values import clock
from tests.support.rows import master, shares
from tests.support.zerodha_rows import HEADER, read_text


def lines(count: int, exchange: str = "NFO", expiry: str = "2026-08-25") -> list[str]:
    """Futures of so many companies on an exchange, as Zerodha writes them."""
    code, segment = {"NFO": (2, "NFO-FUT"), "BFO": (5, "BFO-FUT")}[exchange]
    return [
        f"{(1000 + at) * 256 + code},{1000 + at},X{at}X26AUGFUT,X{at}X,0.0,{expiry},0.0,0.05,75,"
        f"FUT,{segment},{exchange}\n"
        for at in range(count)
    ]


def load(*files: list[str], force: bool = False) -> None:
    texts = [io.StringIO(HEADER + "".join(rows)) for rows in files]
    replace_symbols(read_instruments("zerodha", *texts), "zerodha", force=force)


NFO, BFO = lines(300), lines(60, "BFO")
UNREADABLE = [row.replace("2026-08-25", "25th of August") for row in BFO]
HALF_FILES: dict[str, tuple[list[list[str]], str]] = {
    "absent": ([NFO], "0 rows of BFO, less than half of the 60 stored"),
    "empty": ([NFO, []], "the file has a header and no row"),
    "more than half gone": ([NFO, BFO[:29]], "29 rows of BFO, less than half of the 60 stored"),
    "unreadable": (
        [NFO, UNREADABLE],
        "of 360 rows of zerodha 60 rejected: 60 expiry is not a date",
    ),
    "49% of the dates": (
        [NFO[:153] + [row.replace("-08-25", "-31-31") for row in NFO[153:]], BFO],
        "147 rejected: 147 expiry is not a date",
    ),
    "cut in the middle of a line": (
        [[*NFO[:180], NFO[180][:40]], BFO],
        "the last line is cut off",
    ),
}


@pytest.mark.parametrize(("files", "reason"), HALF_FILES.values(), ids=HALF_FILES)
def test_half_a_file_is_refused_unless_forced(
    store: Store, files: list[list[str]], reason: str
) -> None:
    load(NFO, BFO)
    before = master()
    with pytest.raises(SymbolLoadRefused, match=reason):
        load(*files)
    assert master() == before
    refused = last_symbol_load("zerodha")
    assert refused is not None
    assert refused.status == "refused"
    assert reason in (refused.error or "")
    load(*files, force=True)
    assert last_symbol_load("zerodha").loaded  # type: ignore[union-attr]


RENAMED = [row.replace(f",X{at}X26AUG", f",Y{at}Y26AUG").replace(f",X{at}X,", f",Y{at}Y,")
           for at, row in enumerate(NFO)]  # fmt: skip
"""As many rows as before, of which none is one of before."""


def test_a_master_of_other_symbols_is_refused_unless_those_before_have_expired(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_day(monkeypatch, date(2026, 8, 25))
    load(NFO, BFO)
    before = master()
    with pytest.raises(SymbolLoadRefused, match="lacks 151 of the 300 symbols of NFO that have"):
        load(RENAMED[:151] + NFO[151:], BFO)
    assert master() == before
    load(RENAMED[:150] + NFO[150:], BFO)
    set_day(monkeypatch, date(2026, 8, 26))
    load(RENAMED, [row.replace("AUG", "SEP").replace("-08-25", "-09-29") for row in BFO])
    assert len(master()) == 360


@pytest.mark.parametrize("tick", ["5.0", "0.0005"], ids=["paise", "hundredths"])
def test_tick_sizes_in_another_unit_are_refused_unless_forced(store: Store, tick: str) -> None:
    load(NFO, BFO)
    before = master()
    scaled = [row.replace(",0.05,", f",{tick},") for row in NFO]
    with pytest.raises(SymbolLoadRefused, match="tick sizes of NFO in another unit, 151 of 300"):
        load(scaled[:151] + NFO[151:], BFO)
    assert master() == before
    load(scaled[:150] + NFO[150:], BFO)
    load(scaled, BFO, force=True)
    load([row.replace(",0.05,", ",0.1,") for row in NFO], BFO, force=True)


def set_day(monkeypatch: pytest.MonkeyPatch, day: date) -> None:
    """Let it be this day in India."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: noon)


def test_half_of_an_exchange_or_a_small_one_may_go(store: Store) -> None:
    load(NFO, BFO[:49])
    load(NFO, BFO)
    load(NFO, BFO[:30])
    load(NFO)
    assert len(master()) == 300


def test_an_exchange_of_fifty_rows_is_judged_and_a_smaller_one_is_not(store: Store) -> None:
    load(NFO, BFO[:50])
    with pytest.raises(SymbolLoadRefused, match="24 rows of BFO, less than half of the 50 stored"):
        load(NFO, BFO[:24])
    load(NFO, BFO[:25])


def test_one_row_of_twenty_may_be_bad(store: Store) -> None:
    load([*NFO[:95], *(row.replace("2026-08-25", "soon") for row in NFO[95:100])])
    assert len(master()) == 95


def test_rows_that_are_kept_are_not_lost(store: Store) -> None:
    load(NFO, BFO)
    bad = [row.replace(",75,", ",-75,") for row in BFO[27:32]]
    load(NFO, BFO[:27] + bad)
    found = last_symbol_load("zerodha")
    assert found is not None
    assert (found.kept, found.deleted) == (5, 28)


def test_what_has_expired_may_all_go(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    set_day(monkeypatch, date(2026, 8, 20))
    load(lines(60, expiry="2026-08-20") + NFO[60:160])
    set_day(monkeypatch, date(2026, 8, 21))
    load(NFO[60:160])
    assert len(master()) == 100


def test_a_first_load_of_few_rows_of_many_is_refused(store: Store) -> None:
    rows = [row.replace("2026-08-25", "08.25.2026") for row in NFO]
    with pytest.raises(SymbolLoadRefused, match="of 360 rows of zerodha 300 rejected: 300 expiry"):
        load(rows, BFO)
    assert master() == {}


def test_days_before_months_are_stored_if_the_file_tells_them_apart(store: Store) -> None:
    load(lines(60, expiry="25-08-2026"))
    assert {each.expiry for each in master().values()} == {date(2026, 8, 25)}
    before = master()
    with pytest.raises(InvalidInput, match="nothing tells whether 05-08-2026 begins with the day"):
        load(lines(60, expiry="05-08-2026"))
    assert master() == before


BAD_CELLS: dict[str, Callable[[str], str]] = {
    "an expiry that cannot be read": lambda row: row.replace("2026-08-25", "soon"),
    "an expiry that the symbol contradicts": lambda row: row.replace("2026-08-25", "2016-08-25"),
    "a token": lambda row: row[1:],
    "too few columns": lambda row: row.replace(",NFO-FUT", ""),
    "too many columns": lambda row: row.replace(",X7X,", ",X,7,X,"),
    "another exchange": lambda row: row.replace(",NFO\n", ",NOWHERE\n"),
    "no exchange": lambda row: row.replace(",NFO\n", ",\n"),
}


@pytest.mark.parametrize("harm", BAD_CELLS.values(), ids=BAD_CELLS)
def test_the_row_of_a_symbol_that_is_rejected_today_keeps_yesterdays(
    store: Store, harm: Callable[[str], str]
) -> None:
    load(NFO)
    before = master()
    assert warm_symbol_cache("zerodha") == 300
    load([*NFO[:7], harm(NFO[7]), *NFO[9:]])
    found = last_symbol_load("zerodha")
    assert found is not None
    assert (found.kept, found.rejected, found.deleted, found.unchanged) == (1, 1, 1, 298)
    del before["X8X25AUG26FUT"]
    assert master() == before
    assert warm_symbol_cache("zerodha") == 299


def test_what_a_gate_rejects_is_kept_too_and_counted(store: Store) -> None:
    replace_symbols(shares(10), "zerodha")
    today = [*shares(9), shares(10)[9]._replace(lot_size=-1)]
    found = replace_symbols(today, "zerodha")
    assert (found.kept, found.rejected, found.deleted, found.unchanged) == (1, 1, 0, 9)
    assert last_symbol_load("zerodha") == found
    mapping = {"symbol": "SHARE8", "exchange": "NSE", "token": "", "broker_symbol": None}
    assert replace_symbols([*shares(8), mapping, today[9]], "zerodha").kept == 2


def test_a_rejected_row_of_another_exchange_keeps_nothing(store: Store) -> None:
    replace_symbols(shares(10), "zerodha")
    elsewhere = shares(10, exchange="BSE")[9]._replace(lot_size=-1)
    found = replace_symbols([*shares(9), elsewhere], "zerodha")
    assert (found.kept, found.deleted) == (0, 1)


def test_a_row_whose_token_is_another_contracts_by_now_is_not_kept(store: Store) -> None:
    replace_symbols(shares(10), "zerodha")
    new = Instrument("NEW", "NSE", "T9", "NEW-EQ")
    bad = shares(10)[9]._replace(lot_size=-1, token="U")
    found = replace_symbols([*shares(9), new, bad], "zerodha")
    assert (found.kept, found.deleted) == (0, 1)
    assert [each.symbol for each in master().values() if each.token == "T9"] == ["NEW"]


def test_a_stored_row_that_todays_checks_would_reject_is_not_kept(store: Store) -> None:
    spread = "512,2,X1X26AUG26SEPFUT,X1X,0.0,2026-08-25,0.0,0.05,75,FUT,NFO-FUT,NFO\n"
    load(NFO[:10])
    stored = Instrument(
        "X1X", "NFO", "9", "X1X26AUG26SEPFUT", "X1X", "NFO", "FUT", 75, 0.05, date(2026, 8, 25)
    )
    with pytest.MonkeyPatch.context() as patch:  # as the version before stored it
        for check in ("is_spread", "check_contract"):
            patch.setattr(f"openalgo_store.instruments.validation.{check}", lambda *_: False)
        replace_symbols([*read_text(HEADER + "".join(NFO[:10])), stored], "zerodha")
    assert "X1X" in master()
    load([*NFO[:10], spread])
    found = last_symbol_load("zerodha")
    assert found is not None
    assert (found.kept, found.deleted) == (0, 1)


def test_every_row_that_a_quote_swallows_is_kept(store: Store) -> None:
    load(NFO)
    load([*NFO[:7], NFO[7].replace(",X7X,", ',"X7X,'), NFO[8].replace(",X8X,", ',X8X",'), *NFO[9:]])
    found = last_symbol_load("zerodha")
    assert found is not None
    assert (found.kept, found.rejected, found.deleted) == (2, 2, 0)


def test_rejected_rows_of_older_loads_are_read_as_well(store: Store) -> None:
    found = replace_symbols([*shares(2), RejectedRow(7, "odd", "a,b")], "zerodha")
    assert found.rejected_rows == [RejectedRow(7, "odd", "a,b", None, None)]
    with store.transaction("main", readonly=False) as tx:
        tx.connection.exec_driver_sql(
            'UPDATE symbol_loads SET rejected_rows = \'[[7, "odd", "a,b"]]\''
        )
    assert last_symbol_load("zerodha") == found


def test_an_array_of_nothing_beside_a_whole_one_is_refused_unless_forced(store: Store) -> None:
    share = {"token": "7", "symbol": "INFY-EQ", "name": "INFY", "expiry": "", "strike": "-1"}
    share |= {"lotsize": "1", "instrumenttype": "", "exch_seg": "NSE", "tick_size": "5"}
    texts = [json.dumps([share]), "[]"]

    def rows() -> Iterator[Instrument | RejectedRow]:
        return read_instruments("angel", *map(io.StringIO, texts))

    with pytest.raises(SymbolLoadRefused, match="the file has no object"):
        replace_symbols(rows(), "angel")
    assert replace_symbols(rows(), "angel", force=True).inserted == 1
