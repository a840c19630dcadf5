"""An index has one name, whichever broker writes it."""

import csv

import pytest

from openalgo_store.instruments.index_names import index_name
from tests.support.real_files import real_file
from tests.support.zerodha_rows import index, instrument

PRIVATE_BANKS = "BSEPBI"
"""An index of its own, beside BSEPSU in real files, which the table of spellings takes for it."""


@pytest.mark.parametrize(
    ("written", "exchange", "name"),
    [
        ("Nifty 50", "NSE_INDEX", "NIFTY"),
        ("Nifty Bank", "NSE_INDEX", "BANKNIFTY"),
        ("BANKNIFTY", "NSE_INDEX", "BANKNIFTY"),
        ("NIFTY INFRAST", "NSE_INDEX", "NIFTYINFRA"),
        ("NIFTY 100 LOW VOLATILITY 30", "NSE_INDEX", "NIFTY100LOWVOL30"),
        ("NIFTY TR 1X", "NSE_INDEX", "NIFTY50TR1XINV"),
        ("S&P BSE SENSEX", "BSE_INDEX", "SENSEX"),
        ("BSE India 150", "BSE_INDEX", "BSE150MIDCAPINDEX"),
        ("SNSX50", "BSE_INDEX", "SENSEX50"),
        ("Nifty Fin Services", "NSE_INDEX", "FINNIFTY"),
        ("BSEPBI", "BSE_INDEX", "BSEPBI"),
        ("AUTO", "BSE_INDEX", "BSEAUTO"),
        ("AUTO", "NSE_INDEX", "AUTO"),
        ("100", "BSE_INDEX", "BSE100"),
        ("100", "GLOBAL_INDEX", "100"),
        ("Nifty Some-New Index (2031)", "NSE_INDEX", "NIFTYSOMENEWINDEX2031"),
    ],
)
def test_each_spelling_of_an_index_is_its_canonical_name(
    written: str, exchange: str, name: str
) -> None:
    assert index_name(written, exchange) == name


def test_zerodhas_indices_have_these_names() -> None:
    assert instrument(index("NIFTY GS COMPSITE")).symbol == "NIFTYGSCOMPSITE"
    assert instrument(index("NIFTY CONSUMPTION")).symbol == "NIFTYCONSUMPTION"
    assert instrument(index("LIX15 MIDCAP")).symbol == "NIFTYMIDLIQ15"
    assert instrument(index("TELCOM", "BSE")).symbol == "BSETELECOM"


def test_every_spelling_that_brokers_files_were_seen_to_use_is_known() -> None:
    with real_file("index-names.csv").open() as file:
        for exchange, symbol, written in list(csv.reader(file))[1:]:
            spellings = {symbol, *written.split()} - {PRIVATE_BANKS}
            assert {index_name(each, exchange) for each in spellings} == {symbol}
