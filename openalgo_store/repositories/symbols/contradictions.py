"""Stored symbols that no load would take today: what they are called and what they are disagree."""

from collections.abc import Iterator

from sqlalchemy import select

from ...engine.queries import Query
from ...engine.transaction import Transaction
from ...instruments.validation import Validator
from ...records.symbols import Instrument, Symbol
from ...tables.symbols import LONGEST, symbols

_get_all = Query.of(select(symbols).order_by(symbols.c.id), Symbol)


def find_contradictions(tx: Transaction) -> Iterator[tuple[int, str]]:
    """The id of each such symbol, and the reason for which it would be rejected."""
    validator = Validator(LONGEST)
    for each in tx.stream(_get_all):
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
