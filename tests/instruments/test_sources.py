"""Files and open files: how they are read, and which are refused whole."""

import gzip
import io
import tracemalloc
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from openalgo_store.errors import InvalidInput
from openalgo_store.instruments import read_instruments
from openalgo_store.records.symbols import Instrument, RejectedRow
from tests.support.zerodha_rows import HEADER, RELIANCE, contract, instrument, read_text


def test_a_rejected_row_carries_its_line_and_its_text() -> None:
    bad = RELIANCE.replace("738561", "").strip()
    assert read_text(HEADER + RELIANCE + "\n" + bad + "\n" + RELIANCE)[1] == RejectedRow(
        line=4, reason="token is blank", raw=bad, exchange="NSE", broker_symbol="RELIANCE"
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


class Trickle(io.StringIO):
    """A text that comes in bits."""

    def read(self, size: int | None = -1) -> str:
        return super().read(min(size or 0, 7))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_put_together_from_blocks_that_end_anywhere(end: str) -> None:
    rows = [RELIANCE.strip()] * 50
    whole = end.join([HEADER.strip(), *rows])
    for text in (Trickle(whole, newline=""), Trickle(whole + end, newline="")):
        found = list(read_instruments("zerodha", text))
        assert [row.line for row in found] == list(range(2, 52))
        assert {row._replace(line=2) for row in found} == {instrument(RELIANCE)}
    many = HEADER + RELIANCE * 5_000  # several blocks
    assert len(read_text(many)) == 5_000


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"missing\.csv: cannot be read: No such file"):
        list(read_instruments("zerodha", tmp_path / "missing.csv"))


@pytest.mark.parametrize("odd", [None, 7, ["instruments.csv"]])
def test_what_is_neither_a_path_nor_an_open_file_is_refused(odd: Any) -> None:
    with pytest.raises(InvalidInput, match="give a path or an open file, not"):
        list(read_instruments("zerodha", odd))


def test_a_header_alone_is_told() -> None:
    (found,) = read_text("\n" + HEADER)
    assert found == RejectedRow(2, "the file has a header and no row", HEADER.strip())


@pytest.mark.parametrize("end", ["FUT,NFO-FUT,NFO", "FUT,NFO-FUT,NF", "FUT,NFO-FUT,", "FUT", "0.0"])
@pytest.mark.parametrize("ended", ["", "\n"])
def test_a_last_line_that_is_cut_off_is_told_from_one_that_only_has_no_end(
    end: str, ended: str
) -> None:
    row = contract("NIFTY26AUGFUT", "NIFTY", "2026-08-25", "0.0", "FUT").replace("OPT", "FUT")
    cut = row[: row.rindex(end) + len(end)]
    *before, last = read_text(HEADER + row + "\n" + row + "\n" + cut + ended)
    assert before == [instrument(row), instrument(row)._replace(line=3)]
    if end.endswith("NFO"):
        assert last == before[0]._replace(line=4)
    elif not ended:
        assert isinstance(last, RejectedRow)
        assert (last.reason, last.line) == ("the last line is cut off", 4)
    else:
        assert getattr(last, "reason", "") != "the last line is cut off"


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (["05-08-2026", "25-08-2026"], [date(2026, 8, 5), date(2026, 8, 25)]),
        (["25/08/2026", "05/08/2026"], [date(2026, 8, 25), date(2026, 8, 5)]),
        (["08-08-2026"], [date(2026, 8, 8)]),
        (["05-08-2026", "12-11-2026"], "nothing tells whether 12-11-2026 begins with the day or"),
        (["05-08-2026", "2026-08-25"], "nothing tells whether 05-08-2026 begins with the day or"),
        (["05-08-2026", "08-25-2026"], "a date like 08-25-2026 has the month first"),
        (["25-08-2026", "08-25-2026"], "a date like 08-25-2026 has the month first"),
    ],
)
def test_days_before_months_are_read_if_the_file_tells_so_and_else_refused_as_a_whole(
    days: list[str], expected: list[date] | str
) -> None:
    rows = [contract(f"X{at}FUT", "X", day, "0", "FUT") + "\n" for at, day in enumerate(days)]
    if isinstance(expected, str):
        with pytest.raises(InvalidInput, match=expected):
            read_text(HEADER + "".join(rows))
    else:
        found = read_text(HEADER + "".join(rows))
        assert [each.expiry for each in found if isinstance(each, Instrument)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "," * 60_000_000,
        HEADER + "," * 60_000_000,
        HEADER + RELIANCE + "x" * 60_000_000,
        HEADER + '"\n",' * 12_000_000,
    ],
    ids=["commas", "commas behind a header", "one cell", "quoted line ends"],
)
def test_endless_lines_are_refused_before_they_are_in_memory(text: str) -> None:
    packed = io.BytesIO(gzip.compress(text.encode(), 1))
    del text
    tracemalloc.start()
    with pytest.raises(InvalidInput, match=r"longer than 65536|a quote is not closed"):
        list(read_instruments("zerodha", packed))
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_an_unknown_broker_is_refused_at_once_with_the_known_ones() -> None:
    with pytest.raises(InvalidInput, match="'nobody': one of aliceblue, angel, "):
        read_instruments("nobody", "no such file")
