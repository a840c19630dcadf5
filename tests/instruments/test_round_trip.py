"""One market in every broker's files comes back from each reader as what was meant by it."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from openalgo_store.errors import InvalidInput
from openalgo_store.instruments import READERS, read_instruments
from openalgo_store.instruments.samples.brokers import FORMATS, write_sample
from openalgo_store.instruments.validation import Validator
from openalgo_store.records.symbols import Instrument, RejectedRow

DAYS = date(2026, 8, 17), date(2026, 10, 29), date(2026, 12, 31), date(2028, 2, 29)
"""Before, in and after the months that a week's symbol has by a letter; in a leap year."""

ODD = {
    ("3MINDIA", "NSE"),
    ("20MICRONS", "BSE"),
    ("M&M", "NSE"),
    ("BAJAJ-AUTO", "NSE"),
    ("SGBOCT27-GB", "NSE"),
    ("MOTHERSON", "NSE"),
    ("MOTHERSON-D1", "NSE"),
    ("656MH32-SG", "NSE"),
    ("NIFTY", "NSE_INDEX"),
    ("M&M25AUG26FUT", "NFO"),
    ("360ONE25AUG261100CE", "NFO"),
    ("ASHOKLEY25AUG26172.5PE", "NFO"),
    ("NIFTY18AUG2624500CE", "NFO"),
    ("NIFTY25AUG2624500CE", "NFO"),
    ("USDJPY27AUG26146CE", "CDS"),
    ("EURUSD27AUG261.085CE", "CDS"),
    ("GOLDM27AUG26100000CE", "MCX"),
}


def test_every_reader_has_its_samples() -> None:
    with_samples = [READERS[broker] for broker in FORMATS]
    assert [broker for broker, reader in READERS.items() if reader not in with_samples] == []


@pytest.mark.parametrize("day", DAYS, ids=str)
@pytest.mark.parametrize("broker", FORMATS)
def test_a_reader_makes_of_a_sample_what_was_meant(
    tmp_path: Path, broker: str, day: date, soak: Callable[[int], int]
) -> None:
    files, meant = write_sample(broker, tmp_path, soak(20_000), day=day)
    read = list(read_instruments(broker, *files))
    instruments = [row for row in read if isinstance(row, Instrument)]
    assert [row for row in read if isinstance(row, RejectedRow)] == []
    found = [_told(row) for row in instruments]
    expected = [_told(row) for row in meant]
    assert [pair for pair in zip(found, expected, strict=True) if pair[0] != pair[1]][:9] == []
    validate = Validator({}).validate
    assert [refused for refused in map(validate, instruments) if isinstance(refused, str)] == []
    assert len({(row.exchange, row.symbol) for row in meant}) == len(meant)


def _told(row: Instrument) -> Instrument:
    """But for what only the broker has; what is no option has no strike or one of 0."""
    return row._replace(broker_exchange=None, series=None, line=None, strike=row.strike or None)


def test_the_market_has_what_is_odd_and_each_broker_most_of_it(tmp_path: Path) -> None:
    listed: dict[str, set[tuple[str, str]]] = {}
    for broker in FORMATS:
        (tmp_path / broker).mkdir()
        instruments = write_sample(broker, tmp_path / broker, 5_000).instruments
        listed[broker] = {(row.symbol, row.exchange) for row in instruments}
        assert len(listed[broker]) > 4_800
    everything = set.union(*listed.values())
    assert everything >= ODD
    assert all(broker >= ODD for broker in listed.values())


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    for broker in FORMATS:
        made = []
        for at, seed in enumerate((1, 1, 2)):
            folder = tmp_path / f"{broker}{at}"
            folder.mkdir()
            files, _ = write_sample(broker, folder, 500, seed=seed)
            made.append([path.read_bytes() for path in files])
        assert made[0] == made[1] != made[2]


def test_an_unknown_broker_has_no_sample(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no sample for the broker 'nobody': one of zerodha, "):
        write_sample("nobody", tmp_path)
