"""What a broker's file says where: a declaration, which rows.py turns into instruments."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any

SPOT = "a spot rate, which is not traded"


class Cells:
    """Columns of a broker's file, by name, and what their cells say.

    One cell alone is the value. `table` looks it up, of several columns a tuple of them; what is
    not in it is rejected as unknown. `convert` gets the cells as they stand (text, or what JSON
    has) and returns the value, in any form that a caller of replace_symbols may give it too, or
    raises Rejected with a short reason. What it returns is remembered: it depends on the cells
    alone.

    Of a number `per` units are one rupee (100 where a broker writes paise; a function of the other
    cells where that varies: the last column is the number), and `blank` are the numbers that this
    broker writes for none.
    """

    def __init__(
        self,
        *columns: str,
        convert: Callable[..., object] | None = None,
        table: Mapping[Any, str] | None = None,
        per: float | Callable[..., float] = 1,
        blank: Collection[float] = (),
    ) -> None:
        self.columns = columns
        self.convert = convert
        self.table = table
        self.per = per
        self.blank = blank


Where = str | Cells


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How one kind of a broker's files is laid out: where each thing is, and in which unit.

    Each place is the name of a column, or Cells. exchange: NSE BSE NFO BFO CDS BCD MCX NCDEX NCO
    NSEIX CRYPTO, or one of indices. kind: FUT, CE, PE, OPT (CE or PE, as the broker's symbol ends),
    INDEX (one of NSE is on NSE_INDEX), else EQ; where it cannot tell indices, `index` is true of
    them. name: the underlying of a contract (where it is blank the broker's symbol tells it), the
    company of a share. called: what a share or an index is called, where that is not the broker's
    symbol. series: of a share on NSE (EQ, BE …), where its symbol does not end in it.
    broker_exchange: the first column of `exchange` unless given.

    A file is of the first layout whose columns it has, but for those it `may_lack`, and with whose
    `file_name`, if there is one, its own begins. Of files without a header `without_header` names
    the columns in order, and `first_line` is what the first line matches.
    """

    token: Where
    broker_symbol: Where
    exchange: Where
    kind: Where
    index: Where | None = None
    name: Where
    expiry: Where | None = None
    strike: Where | None = None
    lot_size: Where | None = None
    tick_size: Where | None = None
    contract_value: Where | None = None
    called: Where | None = None
    series: Where | None = None
    broker_exchange: Where | None = None
    may_lack: frozenset[str] = frozenset()
    file_name: str = ""
    first_line: str = ""
    without_header: tuple[str, ...] = ()

    def needed(self) -> list[str]:
        """The columns without which a file is another one."""
        values = (getattr(self, each.name) for each in fields(self)[:_PLACES])
        places = (each for each in values if each is not None)
        used = dict.fromkeys(name for each in places for name in cells_of(each).columns)
        return [name for name in used if name not in self.may_lack]


_PLACES = [each.name for each in fields(Layout)].index("may_lack")


@dataclass(frozen=True)
class Reader:
    """A broker's files: CSV, or JSON arrays of objects, in one layout or several.

    `separator` stands between the columns of CSV; `passed_over` are files in its archives that hold
    no instruments.
    """

    title: str
    layouts: tuple[Layout, ...]
    is_json: bool = False
    passed_over: tuple[str, ...] = ()
    separator: str = ","


def cells_of(where: Where | None) -> Cells:
    """The cells of a place in a layout; None stands for what is always blank."""
    if where is None:
        return always(None)
    return where if isinstance(where, Cells) else Cells(where)


def always(value: object) -> Cells:
    """What is the same in every row of a file."""
    return Cells(convert=lambda: value)
