"""The daily load as a command, beside a server that runs: seen at once, and never a miss."""

import csv
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from openalgo_store import (
    Instrument,
    Settings,
    count_symbols,
    get_symbol,
    init_databases,
    read_instruments,
)
from openalgo_store.instruments.samples.generator import write_zerodha_file
from tests.support.command import succeed
from tests.support.settings import Urls

_LONGEST = 5.0
"""Seconds; it takes far less than one."""


def test_a_running_server_tells_the_lot_size_of_todays_load_and_never_misses(
    environment: Urls,
    tmp_path: Path,
    soak: Callable[[int], int],
    tell: Callable[[str], None],
) -> None:
    succeed("init")
    yesterday, today = tmp_path / "yesterday.csv", tmp_path / "today.csv"
    rows = soak(50_000)
    write_zerodha_file(yesterday, rows)
    write_with_other_lot_sizes(yesterday, today)
    read = read_instruments("zerodha", yesterday)
    symbol = next(e.symbol for e in read if isinstance(e, Instrument) and e.exchange == "NFO")
    succeed("load-symbols", "zerodha", yesterday)
    with init_databases(Settings.from_env(os.environ)):
        stop, told = threading.Event(), list[tuple[float, int | None]]()

        def serve() -> None:
            while not stop.is_set():
                found = get_symbol(symbol, "NFO", "zerodha")
                told.append((monotonic(), found and found.lot_size))

        server = threading.Thread(target=serve)
        server.start()
        subprocess.run(
            [Path(sys.executable).with_name("openalgo-store"), "load-symbols", "zerodha", today],
            check=True,
            capture_output=True,
        )
        loaded = monotonic()
        while told[-1][1] != 7777 and monotonic() < loaded + _LONGEST:
            stop.wait(0.01)
        stop.set()
        server.join()
        assert count_symbols("zerodha") == rows
    assert {lot_size for _, lot_size in told} == {told[0][1], 7777}
    seconds = next(moment for moment, lot_size in told if lot_size == 7777) - loaded
    tell(f"{rows} symbols: told {seconds:.2f} s after the command had ended")


def write_with_other_lot_sizes(path: Path, changed: Path) -> None:
    """The same file with the lot size 7777 of every future and option."""
    with path.open(newline="") as given, changed.open("w", newline="") as written:
        rows = csv.DictReader(given)
        assert rows.fieldnames
        writer = csv.DictWriter(written, rows.fieldnames)
        writer.writeheader()
        for row in rows:
            if row["exchange"] == "NFO":
                row["lot_size"] = "7777"
            writer.writerow(row)
