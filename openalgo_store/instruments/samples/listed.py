"""What an exchange lists, before any broker has written it in its own way."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from ...records.symbols import Instrument

ONE_AT_A_TIME = ("EQ", "BE", "BZ", "SM", "ST", "SZ", "IT")
"""The series of NSE of which a share has one: the symbol is without it."""

INDICES = frozenset({
    "NIFTY", "BANKNIFTY", "FINNIFTY", "MIDCPNIFTY", "NIFTYNXT50", "SENSEX", "BANKEX", "SENSEX50",
    "MCXBULLDEX",
})  # fmt: skip
"""Those which contracts are written on."""


class Listed(NamedTuple):
    """An index, a share, a bond or a contract of a made-up market.

    exchange is the canonical one; kind INDEX, EQ, FUT, CE or PE. name is the underlying (of an
    index its canonical name), company the long name. tag is what the exchange's symbol tells of
    the expiry: 26AUG for a month, 26818 for a week. Of an option of commodities that is the month
    of the future it is written on.
    """

    exchange: str
    kind: str
    name: str
    company: str
    tick: float
    lot: int
    series: str = "EQ"
    expiry: date | None = None
    tag: str = ""
    strike: float = 0.0
    token: int = 0

    @property
    def is_contract(self) -> bool:
        """Whether it expires."""
        return self.expiry is not None

    @property
    def is_option(self) -> bool:
        """Whether it has a strike."""
        return self.kind in ("CE", "PE")

    @property
    def is_on_index(self) -> bool:
        """Whether its underlying is an index."""
        return self.name in INDICES

    @property
    def symbol(self) -> str:
        """The canonical symbol."""
        if self.expiry:
            return f"{self.name}{self.day_text}{self.ending}"
        if self.exchange != "NSE" or self.series in ONE_AT_A_TIME:
            return self.name
        return f"{self.name}-{self.series}"

    @property
    def exchange_symbol(self) -> str:
        """A contract's symbol in the form of the exchanges: NIFTY26AUG24500CE."""
        return f"{self.name}{self.tag}{self.ending}"

    @property
    def ending(self) -> str:
        """24500CE, or FUT."""
        return f"{self.strike_text}{self.kind}" if self.is_option else self.kind

    @property
    def strike_text(self) -> str:
        """24500 or 172.5."""
        return f"{self.strike:.10g}"

    @property
    def day_text(self) -> str:
        """The expiry as 25AUG26, or nothing."""
        return f"{self.expiry:%d%b%y}".upper() if self.expiry else ""

    @property
    def isin(self) -> str:
        """A number like those of a share, another for each."""
        return f"INE{self.token:06}01013"

    @property
    def group(self) -> str:
        """A group of BSE, which is no series."""
        return "ABXF"[self.token % 4]

    def meant(self, token: str, broker_symbol: str, name: str | None) -> Instrument:
        """The instrument that a reader has to make of it, with what is the broker's own."""
        return Instrument(
            self.symbol,
            self.exchange,
            token,
            broker_symbol,
            name,
            None,
            self.kind,
            self.lot,
            self.tick,
            self.expiry,
            self.strike if self.is_option else None,
            self.kind if self.is_option else None,
        )


class Written(NamedTuple):
    """What a broker makes of something listed: a row of one of its files, and what it means.

    A row is cells in the order of the file's header, or an object of JSON. What a reader may leave
    open is None in the instrument.
    """

    file: str
    row: Sequence[Any] | Mapping[str, Any]
    instrument: Instrument
