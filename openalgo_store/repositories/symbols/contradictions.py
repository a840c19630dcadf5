"""Stored symbols that no load would take today: what they are called and what they are disagree."""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, select

from ...engine.transaction import Transaction
from ...instruments.validation import Validator
from ...records.symbols import Instrument
from ...tables.symbols import LONGEST, symbols

_all = select(symbols).order_by(symbols.c.id).execution_options(yield_per=1_000)


def find_contradictions(
    tx: Transaction, sound: ColumnElement[bool] | None = None
) -> Iterator[tuple[int, str]]:
    """The id of each such symbol, and the reason for which it would be rejected.

    `sound` is true of the rows that can be read; None where all can.
    """
    validator = Validator(LONGEST)
    rows = _all if sound is None else _all.where(sound)
    for each in tx.connection.execute(rows):
        told = Instrument(
            each.symbol,
            each.exchange,
            each.token,
            each.broker_symbol,
            each.name,
            each.broker_exchange,
            each.instrument_type,
            each.lot_size,
            each.tick_size,
            each.expiry,
            each.strike,
            each.option_type,
            each.contract_value,
        )
        reason = validator.validate(told)
        if isinstance(reason, str):
            yield each.id, f"{each.symbol} on {each.exchange} of {each.broker}: {reason}"
