"""Angel's JSON: what becomes of each kind of object."""

from datetime import date

import pytest

from tests.support.broker_files import only, read_objects, reason, shown

KEYS = (
    "token", "symbol", "name", "expiry", "strike", "lotsize", "instrumenttype", "exch_seg",
    "tick_size",
)  # fmt: skip


def row(*values: str, **more: object) -> dict[str, object]:
    return dict(zip(KEYS, values, strict=True)) | more


SHARE = row("2031", "M&M-EQ", "M&M", "", "-1.000000", "1", "", "NSE", "10.000000")
OPTION = row(
    "869597", "SENSEX26MAY87500PE", "SENSEX", "27MAY2026", "8750000.000000", "20", "OPTIDX", "BFO",
    "5.000000",
)  # fmt: skip


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (SHARE, ("M&M", "NSE", "2031", "M&M-EQ", "M&M", "EQ", 1, 0.1, None, None, "EQ")),
        (
            row("13981", "SGBOCT27-GB", "SGBOCT27", "", "-1.000000", "1", "", "NSE", "1.000000"),
            ("SGBOCT27-GB", "NSE", "13981", "SGBOCT27-GB", "SGBOCT27", "EQ", 1, 0.01, None, None,
             "GB"),
        ),
        (
            row("7", "HDFC1406RG-MF", "HDFC1406RG", "", "-1.000000", "1", "", "NSE", "1.000000"),
            ("HDFC1406RG-MF", "NSE", "7", "HDFC1406RG-MF", "HDFC1406RG", "EQ", 1, 0.01, None, None,
             "MF"),
        ),
        (
            row("99926009", "Nifty Bank", "BANKNIFTY", "", "0.000000", "1", "AMXIDX", "NSE",
                "0.000000", freeze_qty="0", is_cas_enabled=False),
            ("BANKNIFTY", "NSE_INDEX", "99926009", "Nifty Bank", "BANKNIFTY", "INDEX", 1, 0.0, None,
             0.0, None),
        ),
        (
            row("67040", "VEDL28APR26FUT", "VEDL", "28APR2026", "-1.000000", "1150", "FUTSTK",
                "NFO", "5.000000"),
            ("VEDL28APR26FUT", "NFO", "67040", "VEDL28APR26FUT", "VEDL", "FUT", 1150, 0.05,
             date(2026, 4, 28), None, None),
        ),
        (
            OPTION,
            ("SENSEX27MAY2687500PE", "BFO", "869597", "SENSEX26MAY87500PE", "SENSEX", "PE", 20,
             0.05, date(2026, 5, 27), 87500.0, None),
        ),
        (
            row("16", "USDINR26AUG94.25CE", "USDINR", "27AUG2026", "942500000.000000", "1",
                "OPTCUR", "BCD", "0.250000"),
            ("USDINR27AUG2694.25CE", "BCD", "16", "USDINR26AUG94.25CE", "USDINR", "CE", 1, 0.0025,
             date(2026, 8, 27), 94.25, None),
        ),
        (
            row("1145591", "SENSEX2661875100CE", "SENSEX", "18JUN2026", "7510000.000000", "20",
                "OPTIDX", "BFO", "5.000000"),
            ("SENSEX18JUN2675100CE", "BFO", "1145591", "SENSEX2661875100CE", "SENSEX", "CE", 20,
             0.05, date(2026, 6, 18), 75100.0, None),
        ),
        (
            row("150599", "ZINC26MAY292.5CE", "ZINC", "22MAY2026", "29250.000000", "1", "OPTFUT",
                "NCO", "1.000000"),
            ("ZINC22MAY26292.5CE", "NCO", "150599", "ZINC26MAY292.5CE", "ZINC", "CE", 1, 0.01,
             date(2026, 5, 22), 292.5, None),
        ),
        (
            row("16478", "USDINR28SEP2694.25CE", "USDINR", "28SEP2026", "942500000.000000", "1",
                "OPTCUR", "CDS", "0.250000"),
            ("USDINR28SEP2694.25CE", "CDS", "16478", "USDINR28SEP2694.25CE", "USDINR", "CE", 1,
             0.0025, date(2026, 9, 28), 94.25, None),
        ),
        (
            row("565900", "CRUDEOILM21SEP26FUT", "CRUDEOILM", "21SEP2026", "0.000000", "10",
                "FUTCOM", "MCX", "100.000000"),
            ("CRUDEOILM21SEP26FUT", "MCX", "565900", "CRUDEOILM21SEP26FUT", "CRUDEOILM", "FUT", 10,
             1.0, date(2026, 9, 21), 0.0, None),
        ),
    ],
)  # fmt: skip
def test_each_kind_of_object_becomes_its_instrument(
    given: dict[str, object], expected: tuple[object, ...]
) -> None:
    assert shown(only(read_objects("angel", [given]))) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (SHARE | {"token": ""}, "token is blank"),
        (SHARE | {"symbol": " "}, "symbol is blank"),
        (SHARE | {"exch_seg": "NASDAQ"}, "exchange is unknown"),
        (SHARE | {"exch_seg": ""}, "exchange is blank"),
        (SHARE | {"lotsize": "1.5"}, "lot_size is not a whole number"),
        (SHARE | {"lotsize": ["1"]}, "a value is neither text nor a number"),
        (
            SHARE | {"instrumenttype": "UNDCUR", "exch_seg": "CDS"},
            "a spot rate, which is not traded",
        ),
        (OPTION | {"strike": "-100.000000"}, "strike is negative"),
        (OPTION | {"expiry": ""}, "a derivative without an expiry"),
        (OPTION | {"symbol": "SENSEX26MAY87500"}, "the symbol does not tell the option type"),
    ],
)
def test_an_object_that_cannot_be_mapped_is_rejected_with_a_reason(
    given: dict[str, object], expected: str
) -> None:
    assert reason(read_objects("angel", [SHARE, given])[1:]) == expected
