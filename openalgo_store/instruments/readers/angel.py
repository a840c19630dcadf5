"""Angel's OpenAPIScripMaster.json: one array of objects, all texts, money in paise."""

from ..cleaning import Rejected, text_of
from ..layouts import SPOT, Cells, Layout, Reader

EXCHANGES = ("NSE", "BSE", "NFO", "BFO", "CDS", "BCD", "MCX", "NCDEX", "NCO")


def _kind(instrument_type: object) -> str:
    kind = text_of(instrument_type, "instrumenttype")
    if kind is None:
        return "EQ"
    if kind == "AMXIDX":
        return "INDEX"
    if kind.startswith(("FUT", "OPT")):
        return kind[:3]
    raise Rejected(SPOT)


def _units_of_a_rupee(exchange: object) -> int:
    return 10_000_000 if exchange in ("CDS", "BCD") else 100


READER = Reader(
    "Angel",
    (
        Layout(
            token="token",
            broker_symbol="symbol",
            exchange=Cells("exch_seg", table={each: each for each in EXCHANGES}),
            kind=Cells("instrumenttype", convert=_kind),
            name="name",
            expiry="expiry",
            strike=Cells("exch_seg", "strike", per=_units_of_a_rupee, blank=(-1,)),
            lot_size="lotsize",
            tick_size=Cells("tick_size", per=100),
        ),
    ),
    is_json=True,
)
