"""The demonstration: two days of a symbol master, in a folder of its own."""

import shutil
import sys
import time
from contextlib import chdir
from datetime import timedelta
from pathlib import Path
from random import Random
from textwrap import indent

import click

from ..errors import ConfigurationError
from ..instruments import read_instruments
from ..instruments.samples.generator import DAY, write_next_day, write_zerodha_file
from ..records.symbols import Instrument, Symbol
from ..repositories.symbols.contracts import get_expiries, get_option_chain
from ..repositories.symbols.searching import search_symbols
from ..repositories.symbols.symbol_loads import replace_symbols
from ..repositories.symbols.symbols import get_symbol, get_symbol_by_token, get_symbol_token
from ..settings import DATABASES, Settings
from ..startup import init_databases
from .finding import chain_report, search_report
from .report import load_report, progress_of

BROKER = "zerodha"
MARKER = "made-by-openalgo-store-demo.txt"
AT_THE_MONEY = 24_500
SAMPLE = 20_000
ROUNDS = 10
FOUND = 5


def run_demo(folder: Path, rows: int) -> None:
    """Make a day's file of so many instruments, load it, use it, and load the next day's."""
    folder = _own_folder(folder)
    with chdir(folder):
        settings = Settings()  # the defaults, whatever the environment says, below this folder
    day, next_day = (
        folder / f"{BROKER}-{each:%Y-%m-%d}.csv.gz" for each in (DAY, DAY + timedelta(days=1))
    )
    click.echo(f"Two days of instrument files and five databases, in {folder}")
    write_zerodha_file(day, rows)
    difference = write_next_day(next_day, rows)
    init_databases(settings, warm=False)

    _title(f"The file of {DAY:%d %B %Y}: {rows:,} instruments, the first load")
    _load(day, rows)
    _title("Looking symbols up")
    instruments = [each for each in read_instruments(BROKER, day) if isinstance(each, Instrument)]
    _look_up(instruments)
    _time_lookups(instruments)
    _title("Finding symbols")
    _search("nifty 24500 ce")
    _show_chain()
    _title(f"The next day's file: {_described(difference._asdict())}")
    _load(next_day, rows)
    _title("Where things are")
    for name in DATABASES:
        click.echo(f"  {name:<10}{settings.url(name)}")
    click.echo(f"  {'files':<10}{day}\n  {'':<10}{next_day}")
    click.echo(f"In that folder `{_own_command()} status` and the other commands work on them.")


def _own_command() -> str:
    """As it is called from any folder: a virtual environment that is not active is on no path."""
    return "openalgo-store" if shutil.which("openalgo-store") else str(Path(sys.argv[0]).absolute())


def _own_folder(folder: Path) -> Path:
    """The folder, empty but for the marker; one that the demo did not make is refused."""
    folder = folder.resolve()
    try:
        if folder.exists() and not (folder / MARKER).is_file() and any(folder.iterdir()):
            raise ConfigurationError(
                f"{folder} holds files that are not of a demo: name another one with --folder"
            )
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARKER).write_text("`openalgo-store demo` replaces what is in this folder.\n")
        for path in folder.glob(f"{BROKER}-*.csv.gz"):
            path.unlink()
        if (folder / "databases").exists():
            shutil.rmtree(folder / "databases")
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be used ({error.strerror}): name another one with --folder"
        ) from error
    return folder


def _title(text: str) -> None:
    click.echo(f"\n{text}\n{'-' * len(text)}")


def _described(difference: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {word}" for word, count in difference.items())


def _load(path: Path, rows: int) -> None:
    with progress_of(read_instruments(BROKER, path), rows) as watched:
        load = replace_symbols(watched, BROKER)
    click.echo(load_report(load))


def _look_up(instruments: list[Instrument]) -> None:
    """An equity, an index, a future, an option, and the option once more by its token."""
    nifty = [each for each in instruments if each.name == "NIFTY"]
    future = next(each for each in nifty if each.instrument_type == "FUT")
    option = next(
        each for each in nifty if each.option_type == "CE" and (each.strike or 0) >= AT_THE_MONEY
    )
    for symbol, exchange in (
        ("RELIANCE", "NSE"),
        ("NIFTY", "NSE_INDEX"),
        (future.symbol, future.exchange),
        (option.symbol, option.exchange),
    ):
        found = get_symbol(symbol, exchange, BROKER)
        _show(f"get_symbol({symbol!r}, {exchange!r}, {BROKER!r})", found)
    found = get_symbol_by_token(option.token, option.exchange, BROKER)
    _show(f"get_symbol_by_token({option.token!r}, {option.exchange!r}, {BROKER!r})", found)


def _search(query: str) -> None:
    """The first search builds an index, and waits for it."""
    seconds = []
    for asked in (query, query):
        began = time.perf_counter()
        found = search_symbols(asked, BROKER, include_expired=True, limit=FOUND)
        seconds.append(time.perf_counter() - began)
    click.echo(f"  search_symbols({query!r}, {BROKER!r})")
    click.echo(indent(search_report(found), "    "))
    click.echo(
        f"  the first search, which waits for the index: {seconds[0]:.2f} s; "
        f"again: {seconds[1] * 1e6:.0f} microseconds"
    )


def _show_chain() -> None:
    expiry = get_expiries("NIFTY", "NFO", BROKER, "CE", include_expired=True)[0]
    asked = ("NIFTY", "NFO", expiry, BROKER, float(AT_THE_MONEY), 2)
    click.echo(f"  get_option_chain{asked}")
    click.echo(indent(chain_report(get_option_chain(*asked)), "    "))


def _show(call: str, found: Symbol | None) -> None:
    click.echo(f"  {call}")
    if found is None:
        click.echo("    None")
        return
    contract = f", expires {found.expiry:%d %b %Y}" if found.expiry else ""
    strike = f", strike {found.strike:g}" if found.option_type else ""
    click.echo(
        f"    {found.symbol}: token {found.token}, lot {found.lot_size}, "
        f"tick {found.tick_size:g}{contract}{strike}"
    )


def _time_lookups(instruments: list[Instrument]) -> None:
    """The mean over many different symbols, the loop around the calls included."""
    sample = Random(0).sample(instruments, min(SAMPLE, len(instruments)))
    asked = [(each.symbol, each.exchange) for each in sample]
    began = time.perf_counter()
    for _ in range(ROUNDS):
        for symbol, exchange in asked:
            get_symbol_token(symbol, exchange, BROKER)
    microseconds = (time.perf_counter() - began) * 1e6 / (ROUNDS * len(asked))
    click.echo(
        f"  a cached get_symbol_token: {microseconds:.2f} microseconds "
        f"(mean of {ROUNDS * len(asked):,} calls, {len(asked):,} different symbols)"
    )
