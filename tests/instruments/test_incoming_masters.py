"""A master that is read and checked, before it is compared with what is stored."""

import gc
import sys
from pathlib import Path

import pytest

from openalgo_store.instruments import read_instruments
from openalgo_store.instruments.samples.generator import write_zerodha_file
from openalgo_store.records.symbols import RejectedRow
from openalgo_store.repositories.symbols.incoming_master import IncomingMaster


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
