"""Commands that show positions, profit and loss, latencies and the log."""

import click

from ..errors import InvalidInput
from ..operations.purge import moment_ago
from ..records.trading import RealizedLot
from ..repositories.telemetry.latency import get_latency_stats
from ..repositories.telemetry.logs import get_logs
from ..repositories.trading.books import LIVE, SANDBOX, Book
from ..repositories.trading.positions import get_positions
from ..repositories.trading.realized_pnl import get_realized_pnl
from ..values import clock
from ..values.days import trading_day
from .accounts import user_named
from .group import day_of, for_programs, main
from .opening import open_as_it_is
from .tables import as_json, in_columns, minute

paper = click.option("--sandbox", is_flag=True, help="Of paper trading.")


@main.command()
@click.argument("username")
@paper
@for_programs
def positions(username: str, sandbox: bool, as_it_is: bool) -> None:
    """Show the positions of a user, closed ones of today too.

    For example: openalgo-store positions asha
    """
    book = _opened(sandbox=sandbox)
    found = get_positions(user_named(username).id, book=book)
    rows = [
        (
            p.broker,
            p.symbol,
            p.exchange,
            p.product,
            p.quantity,
            p.average_price,
            p.last_price,
            p.pnl,
        )
        for p in found
    ]
    head = ("broker", "symbol", "exchange", "product", "quantity", "average", "last", "P&L")
    click.echo(as_json(found) if as_it_is else in_columns(head, rows))


@main.command()
@click.argument("username")
@click.option("--from", "start", metavar="DAY", help="The first day, by default today.")
@click.option("--to", "end", metavar="DAY", help="The last day, by default today.")
@paper
@for_programs
def pnl(username: str, start: str | None, end: str | None, sandbox: bool, as_it_is: bool) -> None:
    """Show what a user realised, first in, first out, by instrument.

    For example: openalgo-store pnl asha --from 2025-04-01 --to 2026-03-31. With --json each closed
    lot stands for itself.
    """
    today = trading_day(clock.now())
    first, last = day_of(start) if start else today, day_of(end) if end else today
    if first > last:
        raise InvalidInput(f"--from {first} is after --to {last}: swap them, or give both")
    book = _opened(sandbox=sandbox)
    lots = get_realized_pnl(user_named(username).id, first, last, book=book)
    click.echo(as_json(lots) if as_it_is else _pnl_report(lots))


def _pnl_report(lots: list[RealizedLot]) -> str:
    sums: dict[tuple[str, ...], tuple[int, float]] = {}
    for each in lots:
        place = each.broker, each.symbol, each.exchange, each.product
        quantity, amount = sums.get(place, (0, 0.0))
        sums[place] = quantity + each.quantity, amount + each.pnl
    rows: list[tuple[object, ...]] = [(*place, *values) for place, values in sorted(sums.items())]
    if rows:
        rows.append(("all", "", "", "", None, sum(each.pnl for each in lots)))
    return in_columns(("broker", "symbol", "exchange", "product", "quantity", "P&L"), rows)


@main.command()
@click.option("--since", metavar="AGE", default="1d", show_default=True, help="1d, 2w, 12h, 30m.")
@click.option("--broker", help="Only this one.")
@click.option("--operation", help="Only this one.")
@for_programs
def latency(since: str, broker: str | None, operation: str | None, as_it_is: bool) -> None:
    """Show how long brokers took, in milliseconds, by broker and operation.

    For example: openalgo-store latency --since 1h --broker zerodha
    """
    begin = moment_ago(since, "--since")
    open_as_it_is("latency")
    found = get_latency_stats(begin, clock.now(), broker=broker, operation=operation)
    rows = [
        (s.broker, s.operation, s.count, s.success_rate * 100, s.mean, s.p50, s.p95, s.p99, s.max)
        for s in found
    ]
    head = ("broker", "operation", "calls", "success %", "mean", "p50", "p95", "p99", "max")
    click.echo(as_json(found) if as_it_is else in_columns(head, rows))


@main.command()
@click.option("--level", help="This one and those above: WARNING.")
@click.option("--logger", help="This one and those below it.")
@click.option("--since", metavar="AGE", help="1d, 2w, 12h, 30m.")
@click.option("--text", help="In the message or the traceback.")
@click.option("--limit", default=50, show_default=True, help="So many at most.")
@for_programs
def logs(
    level: str | None,
    logger: str | None,
    since: str | None,
    text: str | None,
    limit: int,
    as_it_is: bool,
) -> None:
    """Show the newest entries of the log, the newest last.

    For example: openalgo-store logs --level ERROR --since 12h
    """
    begin = moment_ago(since, "--since") if since else None
    open_as_it_is("logs")
    found = get_logs(level=level, logger=logger, since=begin, text=text, limit=limit).entries[::-1]
    rows = [(minute(e.timestamp), e.level, e.logger, e.message) for e in found]
    click.echo(
        as_json(found) if as_it_is else in_columns(("when", "level", "logger", "message"), rows)
    )


def _opened(*, sandbox: bool) -> Book:
    """The book, with the users of main beside it."""
    open_as_it_is("main", "sandbox")
    return SANDBOX if sandbox else LIVE
