"""Damaged files of every broker, loaded: all rows accounted for, or yesterday's master stays."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from openalgo_store import (
    InvalidInput,
    RejectedRow,
    Store,
    SymbolLoadRefused,
    get_read_session,
    last_symbol_load,
    read_instruments,
    replace_symbols,
)
from openalgo_store.instruments.samples.brokers import FORMATS
from openalgo_store.repositories.symbols import incoming_master
from openalgo_store.tables.symbols import symbols
from tests.support.chance import chance_of
from tests.support.mutations import mutated
from tests.support.originals import original


@pytest.mark.parametrize("broker", FORMATS)
def test_a_damaged_file_is_loaded_row_by_row_or_leaves_the_master(
    store: Store, tmp_path: Path, broker: str, soak: Callable[[int], int]
) -> None:
    whole = original(broker, tmp_path)
    path = tmp_path / whole.name
    before = ""
    for number in range(soak(40)):
        if not before:
            path.write_bytes(whole.text)
            replace_symbols(read_instruments(broker, path), broker, force=True)
            before = master(broker)
        chance = chance_of(f"damaged master {number} of {broker}")
        mutation = mutated(chance, whole.text, whole.name)
        path.write_bytes(mutation.content)
        refusal = ""
        try:
            load = replace_symbols(read_instruments(broker, path), broker)
        except (InvalidInput, SymbolLoadRefused) as error:
            refusal = str(error)
        recorded = last_symbol_load(broker)
        assert recorded is not None
        assert recorded.loaded != bool(refusal)
        if refusal:
            assert master(broker) == before, f"{mutation.done} (file {number})"
            assert refusal.isprintable()
        else:
            assert load.total == load.inserted + load.updated + load.unchanged + load.rejected
            before = ""


def test_a_master_without_an_end_is_refused_before_it_fills_the_memory(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming_master, "MOST_ROWS", 5_000)
    read = 0

    def endless() -> Iterator[RejectedRow]:
        nonlocal read
        while True:
            read += 1
            yield RejectedRow(read, "no row", "", "NSE", "NAME")

    with pytest.raises(InvalidInput, match="more than 5,000 rows: no broker lists as many"):
        replace_symbols(endless(), "zerodha", force=True)
    assert read < 10_000


def master(broker: str) -> str:
    """A digest of all that is stored of a broker."""
    rows = select(symbols).where(symbols.c.broker == broker).order_by(symbols.c.id)
    with get_read_session() as tx:
        found = list(map(tuple, tx.connection.execute(rows)))
    return hashlib.sha256(repr(found).encode()).hexdigest()
