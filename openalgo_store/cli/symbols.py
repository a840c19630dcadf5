"""Commands that load symbols and find them."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from ..errors import NotFound
from ..instruments import read_instruments
from ..repositories.symbols.contracts import get_option_chain
from ..repositories.symbols.searching import search_symbols
from ..repositories.symbols.symbol_loads import last_symbol_load, replace_symbols
from ..repositories.symbols.symbols import get_symbol_token
from ..sessions import get_read_session
from ..startup import (
    init_databases,
)
from .finding import chain_report, search_report
from .group import day_of, for_programs, main
from .opening import open_as_it_is, settings_here
from .report import load_report, progress_of
from .tables import as_json


@main.command("load-symbols")
@click.argument("broker")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Load even what has less than half of the rows stored.")
def load_symbols(broker: str, files: tuple[Path, ...], force: bool) -> None:
    """Replace a broker's symbols by those of its files.

    FILES are plain, .gz or .zip, one or one an exchange; together they are the whole master of
    BROKER.

    For example: openalgo-store load-symbols zerodha instruments.csv.gz
    """
    symbols = read_instruments(broker, *files)
    init_databases(settings_here(), warm=False)
    with get_read_session("main", primary=True) as tx:
        before = last_symbol_load(broker, tx=tx)
    with progress_of(symbols, before.total if before else None) as watched:
        load = replace_symbols(watched, broker, force=force)
    click.echo(load_report(load))


@main.command()
@click.argument("symbol")
@click.argument("exchange")
@click.argument("broker")
def token(symbol: str, exchange: str, broker: str) -> None:
    """Print the token of a symbol.

    For example: openalgo-store token NIFTY25AUG26FUT NFO zerodha
    """
    open_as_it_is("main")
    with get_read_session("main", primary=True) as tx:
        found = get_symbol_token(symbol, exchange, broker, tx=tx)
    if found is None:
        raise NotFound(f"{symbol} on {exchange} of {broker}: not found")
    click.echo(found)


@main.command()
@click.argument("words", nargs=-1)
@click.option("--broker", required=True, help="Whose symbols.")
@click.option("--exchange", help="Only on this one.")
@click.option("--type", "instrument_type", help="Only EQ, FUT, CE, PE …")
@click.option("--underlying", help="Only contracts on this one.")
@click.option("--expiry", metavar="DAY", help="Only what expires then: 2026-08-25.")
@click.option("--expired", is_flag=True, help="What has expired, too.")
@click.option("--limit", default=20, show_default=True, help="So many at most.")
@for_programs
@click.pass_context
def search(
    context: click.Context,
    /,
    words: tuple[str, ...],
    expiry: str | None,
    expired: bool,
    as_it_is: bool,
    **asked: Any,
) -> None:
    """Find symbols that have all these words, the best first.

    For example: openalgo-store search NIFTY 24000 CE --broker zerodha. The exit code is 1 when
    nothing is found.
    """
    day = day_of(expiry) if expiry else None
    open_as_it_is("main")
    find = partial(search_symbols, " ".join(words), expiry=day, **asked)
    found = find(include_expired=expired)
    nothing = "nothing found"
    if not found and not expired and find(include_expired=True):
        nothing = "nothing found that has not expired: --expired shows what has"
    click.echo(as_json(found) if as_it_is else search_report(found) if found else nothing)
    context.exit(0 if found else 1)


@main.command()
@click.argument("underlying")
@click.argument("exchange")
@click.argument("expiry")
@click.option("--broker", required=True, help="Whose tokens.")
@click.option("--around", type=float, metavar="PRICE", help="Mark the nearest strike.")
@click.option("--strikes", type=int, metavar="N", help="So many on each side of it.")
@for_programs
@click.pass_context
def chain(context: click.Context, /, expiry: str, as_it_is: bool, **asked: Any) -> None:
    """Show the options on an underlying that expire on a day: the tokens of calls and puts.

    For example: openalgo-store chain NIFTY NFO 2026-08-25 --broker zerodha. The exit code is 1
    when there are none.
    """
    day = day_of(expiry)
    open_as_it_is("main")
    found = get_option_chain(expiry=day, **asked)
    report = chain_report(found) if found.strikes else "nothing found"
    click.echo(as_json(found) if as_it_is else report)
    context.exit(0 if found.strikes else 1)
