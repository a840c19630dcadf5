"""Instruments: as a broker's file has them, as they are stored, and what a load did."""

from datetime import date, datetime
from typing import NamedTuple


class Instrument(NamedTuple):
    """One row of a broker's instrument file under its canonical names, not yet stored.

    strike, tick_size in rupees; lot_size in units; expiry the Indian calendar day; contract_value,
    of crypto contracts alone, how much of the underlying one contract is.
    broker_exchange is the exchange as the broker spells it. series is the series of a share
    (EQ, BE …), not stored: it decides who keeps the bare name when two shares meet. line is where
    the row stood in its file (the header is 1), not stored either.
    """

    symbol: str
    exchange: str
    token: str
    broker_symbol: str
    name: str | None = None
    broker_exchange: str | None = None
    instrument_type: str | None = None
    lot_size: int | None = None
    tick_size: float | None = None
    expiry: date | None = None
    strike: float | None = None
    option_type: str | None = None
    contract_value: float | None = None
    series: str | None = None
    line: int | None = None


class RejectedRow(NamedTuple):
    """A row that was left out: its line, the rule it breaks, its text.

    The line counts in the row's own file, where the header is 1; for a mapping it is its place
    among what was given, from 1. Of two rows that claim one symbol or token the text shows both,
    first the one that was left out, and the line is that of the later one. exchange and
    broker_symbol tell whose row it is, if that can be read.
    """

    line: int
    reason: str
    raw: str
    exchange: str | None = None
    broker_symbol: str | None = None


class RenamedSymbol(NamedTuple):
    """A symbol that an instrument is not, or no longer, called: it is called `renamed`.

    Either a share that met another of the same name and kept its series; or a token or a broker
    symbol, stored with the one, belongs to the other from now on: a company has a new name, a
    contract another expiry, or the token is used again.
    """

    symbol: str
    exchange: str
    renamed: str


class Symbol(NamedTuple):
    """One instrument of a broker's stored master, in the units of Instrument.

    strike and tick_size in rupees, lot_size in units, expiry the Indian calendar day. name is the
    underlying of a contract; option_type is CE or PE. last_updated moves with a real change alone.
    """

    id: int
    broker: str
    symbol: str
    broker_symbol: str
    token: str
    exchange: str
    broker_exchange: str | None
    name: str | None
    instrument_type: str | None
    lot_size: int | None
    tick_size: float | None
    expiry: date | None
    strike: float | None
    option_type: str | None
    last_updated: datetime
    contract_value: float | None


class ChainRow(NamedTuple):
    """One strike of an option chain, in rupees: its call and its put, None where there is none.

    is_nearest marks the strike that is nearest to the price around which the chain was asked for.
    """

    strike: float
    call: Symbol | None
    put: Symbol | None
    is_nearest: bool


class OptionChain(NamedTuple):
    """The options of one underlying and expiry, strike by strike, rising.

    lot_size, in units, and tick_size, in rupees, are those of all its contracts; None where there
    are none, or where they differ: then each contract tells its own.
    """

    underlying: str
    exchange: str
    expiry: date
    lot_size: int | None
    tick_size: float | None
    strikes: tuple[ChainRow, ...]


class CurrentExpiries(NamedTuple):
    """The next expiries of an underlying, None where none is listed.

    monthly is the last listed expiry of its month. weekly is the nearest one, which in the last
    week of a month is the monthly one too; None where no month has more than one expiry.
    """

    weekly: date | None
    next_weekly: date | None
    monthly: date | None
    next_monthly: date | None


class SymbolLoad(NamedTuple):
    """What one load of a master did: total = inserted + updated + unchanged + rejected.

    kept are stored rows that stay because the master has them in a form that was rejected. status
    is loaded or refused; for a refused load error says why and nothing was changed.
    rejected_by_reason counts all rejected rows, rejected_rows holds the first 100. The three
    durations are seconds.
    """

    id: int
    broker: str
    status: str
    started_at: datetime
    total: int
    inserted: int
    updated: int
    deleted: int
    unchanged: int
    rejected: int
    rejected_by_reason: dict[str, int]
    rejected_rows: list[RejectedRow]
    renamed: list[RenamedSymbol]
    read_seconds: float
    validate_seconds: float
    write_seconds: float
    error: str | None
    kept: int

    @property
    def loaded(self) -> bool:
        """Whether the master was stored."""
        return self.status == "loaded"
