"""The generated files: the same each time, without a bad row, and a day later as they say."""

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from openalgo_store.errors import InvalidInput
from openalgo_store.instruments import read_instruments
from openalgo_store.instruments.samples.generator import write_next_day, write_zerodha_file
from openalgo_store.instruments.validation import Validator
from openalgo_store.records.symbols import Instrument, RejectedRow


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
                symbol, _, token, *_ = checked
                kept[symbol, token] = checked
        days.append(kept)
    before, after = days
    assert len(reasons) == len(set(reasons)) == 5
    assert len(after.keys() - before.keys()) == 20
    assert len(before.keys() - after.keys()) == 20
    assert sum(before[key] != after[key] for key in before.keys() & after.keys()) == 60


def test_a_file_too_small_for_the_mix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="500 or more"):
        write_zerodha_file(tmp_path / "tiny.csv", 10)
