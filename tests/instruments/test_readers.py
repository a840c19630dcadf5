"""Reading Zerodha's instrument files: what becomes of each kind of row, and of a broken file."""

import gzip
import io
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openalgo_store.errors import InvalidInput
from openalgo_store.instruments import read_instruments
from openalgo_store.instruments.samples.generator import write_next_day, write_zerodha_file
from openalgo_store.instruments.validation import Validator
from openalgo_store.records.symbols import Instrument, RejectedRow

HEADER = (
    "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,"
    "lot_size,instrument_type,segment,exchange\n"
)
RELIANCE = "738561,2885,RELIANCE,RELIANCE INDUSTRIES,0.0,,0.0,0.05,1,EQ,NSE,NSE\n"
REAL_FILES = Path(__file__).parents[3] / "shared" / "data"


def read_text(text: str) -> list[Instrument | RejectedRow]:
    return list(read_instruments("zerodha", io.StringIO(text)))


def read_row(row: str) -> Instrument | RejectedRow:
    (only,) = read_text(HEADER + row)
    return only


def instrument(row: str) -> Instrument:
    found = read_row(row)
    assert isinstance(found, Instrument), found
    return found


def reason(row: str) -> str:
    found = read_row(row)
    assert isinstance(found, RejectedRow), found
    return found.reason


def contract(symbol: str, name: str, expiry: str, strike: str, kind: str) -> str:
    return f"12074498,47166,{symbol},{name},0.0,{expiry},{strike},0.05,40,{kind},NFO-OPT,NFO"


def share(symbol: str, exchange: str = "NSE") -> str:
    return f"738561,2885,{symbol},SOME COMPANY,0.0,,0.0,0.05,1,EQ,{exchange},{exchange}"


def index(symbol: str, exchange: str = "NSE") -> str:
    return f"256265,1001,{symbol},{symbol},0.0,,0.0,0.0,0,EQ,INDICES,{exchange}"


def test_every_column_of_a_row_finds_its_place() -> None:
    assert instrument(
        "14866434,58072,NIFTY26AUG24350CE,NIFTY,0.0,2026-08-25,24350.0,0.05,65,CE,NFO-OPT,NFO"
    ) == Instrument(
        symbol="NIFTY25AUG2624350CE",
        exchange="NFO",
        token="14866434::::58072",
        broker_symbol="NIFTY26AUG24350CE",
        name="NIFTY",
        broker_exchange="NFO",
        instrument_type="CE",
        lot_size=65,
        tick_size=0.05,
        expiry=date(2026, 8, 25),
        strike=24350.0,
        option_type="CE",
        series=None,
        line=2,
    )


@pytest.mark.parametrize(
    ("row", "symbol"),
    [
        (
            contract("NIFTY24MAR20800CE", "NIFTY", "2024-03-28", "20800.0", "CE"),
            "NIFTY28MAR2420800CE",
        ),
        (contract("VEDL24MAR292.5PE", "VEDL", "2024-03-28", "292.5", "PE"), "VEDL28MAR24292.5PE"),
        (
            contract("USDINR26AUG87.25CE", "USDINR", "2026-08-27", "87.2500", "CE"),
            "USDINR27AUG2687.25CE",
        ),
        (contract("NIFTY26AUGFUT", "NIFTY", "2026-08-25", "0.0", "FUT"), "NIFTY25AUG26FUT"),
        (contract("M&M26AUGFUT", "M&M", "2026-08-05", "0.0", "FUT"), "M&M05AUG26FUT"),
    ],
)
def test_a_contract_is_named_by_underlying_expiry_strike_and_kind(row: str, symbol: str) -> None:
    assert instrument(row).symbol == symbol


@pytest.mark.parametrize("blank", ["", "  ", "NaN", "nan"])
@pytest.mark.parametrize(
    ("symbol", "expiry", "strike", "kind", "name"),
    [
        ("BANKNIFTY18JAN23600CE", "2018-01-25", "23600.0", "CE", "BANKNIFTY"),
        ("NIFTY2580526000CE", "2025-08-05", "26000.0", "CE", "NIFTY"),
        ("NIFTY25O0726000PE", "2025-10-07", "26000.0", "PE", "NIFTY"),
        ("NIFTYNXT5025AUG70400CE", "2025-08-26", "70400.0", "CE", "NIFTYNXT50"),
        ("SENSEX502580726000CE", "2025-08-07", "26000.0", "CE", "SENSEX50"),
        ("INDIANB17DEC150PE", "2017-12-28", "150.0", "PE", "INDIANB"),
        ("VEDL24MAR292.5PE", "2024-03-28", "292.5", "PE", "VEDL"),
        ("USDINR26AUG87.50PE", "2026-08-27", "87.5", "PE", "USDINR"),
        ("GOLD26OCT100000CE", "2026-09-24", "100000.0", "CE", "GOLD"),
        ("360ONE26OCTFUT", "2026-10-27", "0.0", "FUT", "360ONE"),
        ("BAJAJ-AUTO26OCTFUT", "2026-10-27", "0.0", "FUT", "BAJAJ-AUTO"),
    ],
)
def test_a_blank_name_of_a_contract_is_recovered_from_its_symbol(
    symbol: str, expiry: str, strike: str, kind: str, name: str, blank: str
) -> None:
    found = instrument(contract(symbol, blank, expiry, strike, kind))
    assert found.name == name
    assert found.symbol.startswith(name + date.fromisoformat(expiry).strftime("%d"))


@pytest.mark.parametrize(
    ("broker_symbol", "symbol", "series"),
    [
        ("RELIANCE", "RELIANCE", "EQ"),
        ("RELIANCE-EQ", "RELIANCE", "EQ"),
        ("CENTRALBK-BE", "CENTRALBK", "BE"),
        ("ABC-BZ", "ABC", "BZ"),
        ("ABC-SM", "ABC", "SM"),
        ("ABC-ST", "ABC", "ST"),
        ("CENTRALBK-BL", "CENTRALBK-BL", "BL"),
        ("ELECTCAST-W1", "ELECTCAST-W1", "W1"),
        ("BAJAJ-AUTO", "BAJAJ-AUTO", "EQ"),
        ("BAJAJ-AUTO-BE", "BAJAJ-AUTO", "BE"),
        ("NAM-INDIA", "NAM-INDIA", "EQ"),
        ("COX&KINGS", "COX&KINGS", "EQ"),
        ("-BE", "-BE", "EQ"),
    ],
)
def test_a_share_loses_the_series_it_trades_in_and_keeps_any_other(
    broker_symbol: str, symbol: str, series: str
) -> None:
    found = instrument(share(broker_symbol))
    assert (found.symbol, found.series) == (symbol, series)
    assert found.broker_symbol == broker_symbol


@pytest.mark.parametrize(
    ("broker_symbol", "exchange", "symbol", "index_exchange"),
    [
        ("NIFTY 50", "NSE", "NIFTY", "NSE_INDEX"),
        ("NIFTY BANK", "NSE", "BANKNIFTY", "NSE_INDEX"),
        ("NIFTY FIN SERVICE", "NSE", "FINNIFTY", "NSE_INDEX"),
        ("NIFTY MID SELECT", "NSE", "MIDCPNIFTY", "NSE_INDEX"),
        ("NIFTY NEXT 50", "NSE", "NIFTYNXT50", "NSE_INDEX"),
        ("INDIA VIX", "NSE", "INDIAVIX", "NSE_INDEX"),
        ("Nifty Div Opps 50", "NSE", "NIFTYDIVOPPS50", "NSE_INDEX"),
        ("SENSEX", "BSE", "SENSEX", "BSE_INDEX"),
        ("BANKEX", "BSE", "BANKEX", "BSE_INDEX"),
        ("SNSX50", "BSE", "SENSEX50", "BSE_INDEX"),
        ("MCXBULLDEX", "MCX", "MCXBULLDEX", "MCX_INDEX"),
        ("GIFT NIFTY", "NSEIX", "GIFTNIFTY", "GLOBAL_INDEX"),
    ],
)
def test_an_index_has_its_short_name_on_an_exchange_of_indices(
    broker_symbol: str, exchange: str, symbol: str, index_exchange: str
) -> None:
    found = instrument(index(broker_symbol, exchange))
    assert (found.symbol, found.exchange) == (symbol, index_exchange)
    assert (found.instrument_type, found.series) == ("INDEX", None)
    assert (found.broker_symbol, found.broker_exchange) == (broker_symbol, exchange)


def test_a_token_that_passed_through_a_float_is_repaired() -> None:
    assert instrument(RELIANCE.replace("738561,2885", "738561.0,2885.0")).token == "738561::::2885"


def test_blanks_around_values_are_stripped() -> None:
    spaced = ",".join(f" {cell.strip()} " for cell in RELIANCE.split(","))
    assert instrument(spaced) == instrument(RELIANCE)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (RELIANCE.replace("738561", ""), "token is blank"),
        (RELIANCE.replace("2885", "NaN"), "token is blank"),
        (RELIANCE.replace("2885", "abc"), "token is not a number"),
        (RELIANCE.replace(",RELIANCE,", ",,"), "tradingsymbol is blank"),
        (RELIANCE.replace("NSE\n", "\n"), "exchange is blank"),
        (RELIANCE.replace(",RELIANCE,", ",RELI\0ANCE,"), "tradingsymbol holds a NUL character"),
        (RELIANCE.replace("INDUSTRIES", "IND\0"), "name holds a NUL character"),
        (RELIANCE.replace("0.05,1", "0.05,1.5"), "lot_size is not a whole number"),
        (RELIANCE.replace("0.05,1", "0.05,-1"), "lot_size is negative"),
        (RELIANCE.replace("0.05", "cheap"), "tick_size is not a number"),
        (contract("X26AUG5CE", "X", "2026-08-25", "five", "CE"), "strike is not a number"),
        (contract("X26AUG5CE", "X", "soon", "5", "CE"), "expiry is not a date"),
        (contract("X26AUG5CE", "X", "01-JAN-70", "5", "CE"), "expiry is out of range"),
        (contract("X26AUG5CE", "X", "", "5", "CE"), "a derivative without an expiry"),
        (
            contract("X", "", "2026-08-25", "5", "CE"),
            "name is blank and the symbol does not tell it",
        ),
        ("738561,2885,RELIANCE", "too few columns"),
        (RELIANCE.replace("INDUSTRIES", "INDUSTRIES, LTD"), "too many columns"),
    ],
)
def test_a_row_that_cannot_be_mapped_is_rejected_with_a_reason(row: str, expected: str) -> None:
    assert reason(row) == expected


def test_a_rejected_row_carries_its_line_and_its_text() -> None:
    bad = RELIANCE.replace("738561", "").strip()
    assert read_text(HEADER + RELIANCE + "\n" + bad + "\n" + RELIANCE)[1] == RejectedRow(
        line=4, reason="token is blank", raw=bad
    )


def test_lines_are_counted_anew_in_each_source() -> None:
    bad = io.StringIO(HEADER + RELIANCE.replace("738561", ""))
    found = list(read_instruments("zerodha", io.StringIO(HEADER + RELIANCE), bad))
    assert [type(row) for row in found] == [Instrument, RejectedRow]
    assert isinstance(found[1], RejectedRow)
    assert found[1].line == 2


def test_an_unclosed_quote_costs_the_lines_it_swallows_and_each_is_reported() -> None:
    broken = RELIANCE.replace("RELIANCE INDUSTRIES", '"RELIANCE')
    closing = RELIANCE.replace("RELIANCE INDUSTRIES", 'RELIANCE"')
    found = read_text(HEADER + RELIANCE + broken + closing + RELIANCE)
    assert [type(row) for row in found] == [Instrument, RejectedRow, RejectedRow, Instrument]
    rejected = [(row.line, row.reason) for row in found if isinstance(row, RejectedRow)]
    assert rejected == [(3, "a quote is not closed"), (4, "a quote is not closed")]


def test_columns_are_found_by_name_in_any_order_among_others() -> None:
    header = HEADER.strip().split(",")
    cells = RELIANCE.strip().split(",")
    turned = (
        ",".join([*reversed(header), "isin,"]) + "\n" + ",".join([*reversed(cells), "INE002A,"])
    )
    assert read_text(turned) == [instrument(RELIANCE)]


def test_trailing_commas_do_no_harm() -> None:
    assert read_text(HEADER + RELIANCE.strip() + ",,\n") == [instrument(RELIANCE)]
    assert read_text(HEADER.strip() + ",\n" + RELIANCE) == [instrument(RELIANCE)]


def test_paths_and_open_files_in_text_bytes_and_gzip_read_alike(tmp_path: Path) -> None:
    content = (HEADER + RELIANCE).encode()
    plain = tmp_path / "plain.gz"  # what it is, not what it is called, decides
    plain.write_bytes(content)
    packed = tmp_path / "packed.csv"
    packed.write_bytes(gzip.compress(content))
    with plain.open("rb") as as_bytes, plain.open() as as_text, packed.open("rb") as as_gzip:
        sources = (plain, str(packed), as_bytes, as_text, as_gzip, io.BytesIO(content))
        found = list(read_instruments("zerodha", *sources))
        assert not as_bytes.closed
        assert not as_text.closed
        assert not as_gzip.closed
    assert found == [instrument(RELIANCE)] * len(sources)


@pytest.mark.parametrize("mark", ["﻿", "\r\n", "﻿\n \n"])
def test_a_byte_order_mark_and_blank_lines_before_the_header_are_passed_over(mark: str) -> None:
    content = (mark + HEADER + RELIANCE + RELIANCE.replace("738561", "")).encode()
    found = list(read_instruments("zerodha", io.BytesIO(content)))
    assert found[0]._replace(line=2) == instrument(RELIANCE)
    assert isinstance(found[1], RejectedRow)
    assert found[1].line == content.count(b"\n")


def test_a_file_is_read_as_a_stream(tmp_path: Path) -> None:
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(gzip.compress((HEADER + RELIANCE * 100_000).encode())[:-100])
    rows = read_instruments("zerodha", path)
    assert next(rows) == instrument(RELIANCE)
    with pytest.raises(InvalidInput, match="cut off or damaged"):
        list(rows)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "the file is empty: download it again"),
        (b"\n \n", "the file is empty: download it again"),
        (b"<!DOCTYPE html>\n<html>", "an HTML page, probably an error answer or an expired login"),
        (b"\n  <html><body>Bad gateway", "an HTML page"),
        (b'{"status":"error","error_type":"TokenException"}', "this is JSON"),
        (b"holiday", "not an instrument file of Zerodha: its first line lacks instrument_token,"),
        (b"token,symbol,name\n1,A,B\n", "lacks instrument_token, exchange_token, tradingsymbol"),
        (HEADER.replace("lot_size", "lots").encode(), "its first line lacks lot_size$"),
        (gzip.compress(HEADER.encode())[:20], "gzip data is cut off or damaged"),
        (gzip.compress(HEADER.encode())[:-4] + b"\1\1\1\1", "gzip data is cut off or damaged"),
        (b"\x1f\x8bgarbage", "gzip data is cut off or damaged"),
        ((HEADER + RELIANCE).encode("utf-16"), "not UTF-8"),
        ((HEADER + RELIANCE.replace("INDUSTRIES", "CAF\xc9")).encode("latin-1"), "not UTF-8"),
        ((HEADER + '"' + RELIANCE * 3000).encode(), "not CSV .*: download it again"),
    ],
)
def test_a_file_that_is_not_zerodhas_or_is_damaged_is_refused_whole(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    path = tmp_path / "zerodha.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=expected) as refused:
        list(read_instruments("zerodha", path))
    assert str(path) in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"missing\.csv: cannot be read: No such file"):
        list(read_instruments("zerodha", tmp_path / "missing.csv"))


def test_a_header_alone_yields_nothing() -> None:
    assert read_text(HEADER) == []


def test_an_unknown_broker_is_refused_at_once_with_the_known_ones() -> None:
    with pytest.raises(InvalidInput, match="'nobody': one of zerodha"):
        read_instruments("nobody", "no such file")


@given(
    st.sampled_from(
        [RELIANCE, index("NIFTY 50"), contract("X26AUG5CE", "X", "2026-08-25", "5", "CE")]
    ),
    st.dictionaries(st.integers(0, 12), st.text(st.characters()), max_size=3),
)
def test_any_text_in_any_column_gives_an_instrument_or_rejected_rows(
    row: str, changes: dict[int, str]
) -> None:
    cells = dict(enumerate(row.strip().split(","))) | changes
    quoted = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells.values())
    validate = Validator({}).validate
    for found in read_text(HEADER + quoted):
        if isinstance(found, Instrument):
            assert isinstance(validate(found), (tuple, str))


@given(
    st.sampled_from(["NIFTY", "M&M", "BAJAJ-AUTO", "SENSEX50", "360ONE", "NIFTYNXT50"]),
    st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    st.integers(1, 10_000_000).map(lambda hundredths: hundredths / 100),
    st.sampled_from(["CE", "PE"]),
    st.booleans(),
)
def test_the_name_of_any_option_can_be_recovered_from_its_symbol(
    name: str, expiry: date, strike: float, kind: str, weekly: bool
) -> None:
    week = f"{expiry:%y}{'123456789OND'[expiry.month - 1]}{expiry:%d}"
    symbol = f"{name}{week if weekly else f'{expiry:%y%b}'.upper()}{strike:.10g}{kind}"
    assert instrument(contract(symbol, "", expiry.isoformat(), str(strike), kind)).name == name


def real_rows(file: str) -> list[Instrument]:
    path = REAL_FILES / file
    if not path.exists():
        pytest.skip(f"the real file {path} is not here: it is no part of the project")
    validate = Validator({}).validate
    found = []
    for row in read_instruments("zerodha", path):
        assert isinstance(row, Instrument), row
        assert not isinstance(validate(row), str), row
        found.append(row)
    return found


def test_every_row_of_a_real_file_of_derivatives_is_read_under_a_name_of_its_own() -> None:
    rows = real_rows("zerodha_nfo_bfo.csv.gz")
    by_name = {(row.symbol, row.exchange): row for row in rows}
    assert len(by_name) == len(rows) == 39_941
    assert by_name["NIFTY25AUG26FUT", "NFO"].token == "14866434::::58072"


def test_every_row_of_a_real_file_of_shares_and_others_is_read() -> None:
    rows = real_rows("zerodha_sample.csv")
    assert len(rows) == 99
    assert {"BANKNIFTY25JAN1823600CE", "CENTRALBK", "COX&KINGS"} <= {row.symbol for row in rows}


def test_a_generated_file_is_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv", "a.csv.gz", "b.csv.gz"):
        write_zerodha_file(tmp_path / name, 500)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()
    write_zerodha_file(tmp_path / "other.csv", 500, seed=1)
    assert (tmp_path / "a.csv").read_bytes() != (tmp_path / "other.csv").read_bytes()


@pytest.mark.parametrize("count", [500, 5_000])
@pytest.mark.parametrize("day", [date(2026, 8, 17), date(2026, 12, 31), date(2028, 2, 29)])
def test_a_generated_file_loads_without_a_rejected_row(
    tmp_path: Path, count: int, day: date
) -> None:
    write_zerodha_file(tmp_path / "day.csv.gz", count, day=day)
    rows = list(read_instruments("zerodha", tmp_path / "day.csv.gz"))
    validate = Validator({}).validate
    instruments = [row for row in rows if isinstance(row, Instrument)]
    assert not [row for row in instruments if isinstance(validate(row), str)]
    names = {(row.symbol, row.exchange) for row in instruments}
    assert len(rows) == len(names) == len({row.token for row in instruments}) == count
    assert {("RELIANCE", "NSE"), ("NIFTY", "NSE_INDEX")} <= names
    of_nifty = Counter(row.instrument_type for row in instruments if row.name == "NIFTY")
    assert of_nifty["FUT"] == 3
    assert of_nifty["CE"] > 5
    assert all(row.expiry >= day for row in instruments if row.expiry)


def test_the_next_day_differs_as_it_says(tmp_path: Path) -> None:
    write_zerodha_file(tmp_path / "day.csv", 2_000)
    difference = write_next_day(tmp_path / "next.csv", 2_000, bad_rows=5)
    assert difference == (60, 20, 20, 5)
    days = []
    reasons = []
    validate = Validator({}).validate
    for file in ("day.csv", "next.csv"):
        kept = {}
        for row in read_instruments("zerodha", tmp_path / file):
            checked = row.reason if isinstance(row, RejectedRow) else validate(row)
            if isinstance(checked, str):
                reasons.append(checked)
            else:
                kept[checked[0], checked[3]] = checked
        days.append(kept)
    before, after = days
    assert len(reasons) == len(set(reasons)) == 5
    assert len(after.keys() - before.keys()) == 20
    assert len(before.keys() - after.keys()) == 20
    assert sum(before[key] != after[key] for key in before.keys() & after.keys()) == 60


def test_a_file_too_small_for_the_mix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="500 or more"):
        write_zerodha_file(tmp_path / "tiny.csv", 10)
