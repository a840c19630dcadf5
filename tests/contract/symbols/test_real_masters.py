"""Real files of brokers, loaded: every row is found again, and a second load changes nothing."""

from collections import defaultdict

import pytest

from openalgo_store import (
    Instrument,
    Store,
    get_symbol,
    get_symbol_by_broker_symbol,
    get_symbol_by_token,
    read_instruments,
    replace_symbols,
)
from tests.support.real_files import real_file

MASTERS = {
    "zerodha": ["zerodha_nfo_bfo.csv.gz"],
    "angel": ["angel_scrip_master.json.gz"],
    "dhan": ["dhan_equity.csv.gz"],
    "upstox": ["upstox_complete.json.gz"],
    "fyers": ["fyers_nse_cm.csv.gz"],
    "shoonya": [f"noren_{exchange}_symbols.txt.gz" for exchange in ("nse", "nfo", "mcx", "cds")],
}


@pytest.mark.parametrize("broker", MASTERS)
def test_every_row_of_a_real_master_is_found_by_its_token_and_its_symbols(
    store: Store, broker: str
) -> None:
    files = list(map(real_file, MASTERS[broker]))
    rows = [row for row in read_instruments(broker, *files) if isinstance(row, Instrument)]
    load = replace_symbols(read_instruments(broker, *files), broker)
    assert (load.inserted, load.renamed) == (len(rows), [])
    by_broker_symbol: dict[tuple[str, str], list[Instrument]] = defaultdict(list)
    for row in rows:
        by_broker_symbol[row.broker_symbol, row.exchange].append(row)
    for row in rows:
        found = get_symbol_by_token(row.token, row.exchange, broker)
        assert found is not None
        assert found == get_symbol(row.symbol, row.exchange, broker)
        assert (
            found.broker_symbol,
            found.expiry,
            found.strike,
            found.lot_size,
            found.tick_size,
        ) == (
            row.broker_symbol,
            row.expiry,
            row.strike,
            row.lot_size,
            row.tick_size,
        )
        named = get_symbol_by_broker_symbol(row.broker_symbol, row.exchange, broker)
        assert named is not None
        sharing = by_broker_symbol[row.broker_symbol, row.exchange]
        assert named.token in {each.token for each in sharing}
        assert len(sharing) == 1 or row.instrument_type == "EQ"
    again = replace_symbols(read_instruments(broker, *files), broker)
    assert (again.unchanged, again.inserted, again.updated, again.deleted) == (len(rows), 0, 0, 0)
