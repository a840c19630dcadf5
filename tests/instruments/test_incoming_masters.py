"""A master that is read and checked, before it is compared with what is stored."""

import gc
import sys
from pathlib import Path

import pytest

from openalgo_store.instruments import read_instruments
from openalgo_store.instruments.samples.generator import write_zerodha_file
from openalgo_store.records.symbols import RejectedRow
from openalgo_store.repositories.symbols.incoming_master import IncomingMaster
from openalgo_store.values import clock


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="which tracks every dict")
def test_the_garbage_collector_passes_over_what_it_holds(tmp_path: Path) -> None:
    """A full collection of 200,000 rows would stop every thread for some 40 ms."""
    write_zerodha_file(tmp_path / "day.csv", 5_000)
    rejected = RejectedRow(1, "unreadable", "", "NSE", "ANY-EQ")  # it may be kept, by its token
    rows = [rejected, *read_instruments("zerodha", tmp_path / "day.csv")]
    gc.collect()
    before = len(gc.get_objects())
    master = IncomingMaster()
    master.read(rows)
    gc.collect()
    assert (master.size, master.rejected) == (5_000, 1)
    assert len(gc.get_objects()) - before < 100
    for found in (master._rows, master._tokens):
        assert sum(map(len, found.values())) == 5_000
        assert not any(map(gc.is_tracked, found.values()))


@pytest.mark.parametrize("values", [(None, None), (0.001, None), (None, 0.001), (0.001, 0.002)])
def test_it_is_stored_without_the_column_that_none_of_its_rows_has(
    values: tuple[float | None, float | None],
) -> None:
    master = IncomingMaster()
    master.read(
        {"symbol": f"C{place}", "exchange": "CRYPTO", "token": str(place), "contract_value": value}
        for place, value in enumerate(values)
    )
    columns, rows = master.stored("own", clock.now())
    stored = [dict(zip(columns, row, strict=True)) for row in rows]
    assert tuple(row.get("contract_value") for row in stored) == values
    assert ("contract_value" in columns) == any(values)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_name_of_digits_does_not_decide_which_row_of_a_symbol_stays(
    order: tuple[int, int],
) -> None:
    """That whose broker symbol tells the day, as of any other name."""
    row = {
        "symbol": "6328MAR2420800CE", "exchange": "NFO", "name": "63", "instrument_type": "CE",
        "expiry": "2024-03-28", "strike": 20800, "lot_size": 1,
    }  # fmt: skip
    by_day, by_month = "632432820800CE", "6324MAR20800CE"
    master = IncomingMaster()
    master.read(
        {**row, "token": str(place), "broker_symbol": (by_day, by_month)[place]} for place in order
    )
    assert [texts.partition("\0")[0] for _, _, texts in master.texts()] == [by_day]
