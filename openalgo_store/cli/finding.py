"""What a search has found, and an option chain, as tables of 80 columns."""

from collections.abc import Sequence

from ..instruments.canonical_names import strike_text
from ..records.symbols import ChainRow, OptionChain, Symbol
from .tables import printable

_WIDTH = 80
_GAP = "  "
_HEAD = ("symbol", "exchange", "expiry", "lot", "token")


def search_report(found: Sequence[Symbol]) -> str:
    """A line for each symbol; one that is too long is cut, and so is a token."""
    rows = [_HEAD, *map(_cells, found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for column in (0, -1):
        too_wide = sum(widths) + len(_GAP) * (len(widths) - 1) - _WIDTH
        widths[column] -= max(0, min(too_wide, widths[column] - 20))
    return "\n".join(
        _GAP.join(_cut(cell, width).ljust(width) for cell, width in zip(row, widths, strict=True))
        .rstrip()
        for row in rows
    )  # fmt: skip


def chain_report(chain: OptionChain) -> str:
    """A line for each strike: the token of its call and of its put; > marks the nearest strike."""
    lot = "lots differ" if chain.lot_size is None else f"lot {chain.lot_size}"
    tick = "ticks differ" if chain.tick_size is None else f"tick {chain.tick_size:g}"
    title = f"{chain.underlying} on {chain.exchange}, {chain.expiry:%d %b %Y}: {lot}, {tick}"
    return "\n".join([title, f"{'call':>28}  {'strike':>12}    put", *map(_strike, chain.strikes)])


def _strike(row: ChainRow) -> str:
    call, put = (each.token if each else "-" for each in (row.call, row.put))
    mark = ">" if row.is_nearest else " "
    return f"{_cut(call, 28):>28}  {mark}{strike_text(row.strike):>11}    {_cut(put, 28)}"


def _cells(symbol: Symbol) -> tuple[str, ...]:
    expiry = f"{symbol.expiry:%Y-%m-%d}" if symbol.expiry else ""
    lot = "" if symbol.lot_size is None else str(symbol.lot_size)
    cells = symbol.symbol, symbol.exchange, expiry, lot, symbol.token
    return tuple(map(printable, cells))


def _cut(cell: str, width: int) -> str:
    return cell if len(cell) <= width else cell[: width - 2] + ".."
