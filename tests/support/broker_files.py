"""Files of any broker, and what is read from them."""

import io
import json
from collections.abc import Iterable, Sequence

from openalgo_store.instruments import read_instruments
from openalgo_store.records.symbols import Instrument, RejectedRow

SHOWN = (
    "symbol", "exchange", "token", "broker_symbol", "name", "instrument_type", "lot_size",
    "tick_size", "expiry", "strike", "series",
)  # fmt: skip


class Named(io.StringIO):
    """An open file of a name."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self.name = name


def read_text(broker: str, text: str, name: str = "file") -> list[Instrument | RejectedRow]:
    return list(read_instruments(broker, Named(text, name)))


def read_objects(broker: str, objects: Iterable[object]) -> list[Instrument | RejectedRow]:
    return read_text(broker, json.dumps(list(objects)))


def only(found: Sequence[Instrument | RejectedRow]) -> Instrument:
    (row,) = found
    assert isinstance(row, Instrument), row
    return row


def shown(row: Instrument | RejectedRow) -> tuple[object, ...]:
    """What a reader makes of a row, in the order of SHOWN."""
    assert isinstance(row, Instrument), row
    return tuple(getattr(row, column) for column in SHOWN)


def reason(found: Sequence[Instrument | RejectedRow]) -> str:
    (row,) = found
    assert isinstance(row, RejectedRow), row
    return row.reason
