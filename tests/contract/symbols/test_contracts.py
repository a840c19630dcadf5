"""The contracts on an underlying: expiries, futures, option chains, as they are stored."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from openalgo_store import (
    CurrentExpiries,
    Instrument,
    InvalidInput,
    OptionChain,
    Store,
    bulk_insert_symbols,
    get_current_expiries,
    get_expiries,
    get_futures,
    get_option_chain,
    get_read_session,
    get_symbol,
    get_underlyings,
    get_write_session,
    replace_symbols,
)
from openalgo_store.values import clock

TODAY = date(2026, 8, 17)
WEEKS = [date(2026, 8, 18), date(2026, 8, 25), date(2026, 9, 1), date(2026, 9, 29)]
EXPIRED = date(2026, 8, 11)
OF_GOLD, FUTURE_OF_GOLD = date(2026, 8, 27), date(2026, 9, 4)
STRIKES = (24_300.0, 24_400.0, 24_450.0, 24_500.0, 24_600.0)


def contract(
    name: str, exchange: str, expiry: date, kind: str, strike: float = 0.0, **rest: Any
) -> Instrument:
    strike_text = "" if kind == "FUT" else f"{strike:g}"
    symbol = f"{name}{expiry:%d%b%y}{strike_text}{kind}".upper()
    option_type = None if kind == "FUT" else kind
    return Instrument(
        symbol, exchange, f"T{symbol}", symbol, name, exchange, kind,
        65, 0.05, expiry, strike, option_type,
    )._replace(**rest)  # fmt: skip


def options(name: str, exchange: str, expiry: date, *strikes: float) -> list[Instrument]:
    return [
        contract(name, exchange, expiry, kind, strike)
        for strike in sorted(strikes, key=str, reverse=True)
        for kind in ("PE", "CE")
    ]


MARKET = [
    *(each for day in (EXPIRED, *WEEKS) for each in options("NIFTY", "NFO", day, *STRIKES)),
    *(contract("NIFTY", "NFO", day, "FUT") for day in (WEEKS[3], WEEKS[1], EXPIRED)),
    *options("GOLD", "MCX", OF_GOLD, 100_000.0),
    contract("GOLD", "MCX", FUTURE_OF_GOLD, "FUT"),
    *options("USDINR", "CDS", WEEKS[0], 87.25, 87.5),
    contract("OLDCO", "NFO", EXPIRED, "FUT"),
    Instrument("NIFTY", "NSE_INDEX", "1", "NIFTY 50", "NIFTY", "NSE", "INDEX", 0, 0.0),
    Instrument("RELIANCE", "NSE", "2", "RELIANCE", "RELIANCE", "NSE", "EQ", 1, 0.05),
]


@pytest.fixture(autouse=True)
def stored(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The market, and the same contract of another broker."""
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 8, 17, 4, tzinfo=UTC))
    replace_symbols(MARKET, "zerodha")
    other = [each._replace(token=f"other {each.token}") for each in MARKET[10:12]]
    replace_symbols([*other, contract("ANGELONE", "NFO", WEEKS[0], "FUT")], "angel")


def chain(*rest: Any, expiry: date = WEEKS[0], **more: Any) -> OptionChain:
    return get_option_chain("NIFTY", "NFO", expiry, "zerodha", *rest, **more)


def test_underlyings_are_those_with_contracts_that_can_be_traded() -> None:
    assert get_underlyings("zerodha", "NFO") == ["NIFTY"]
    assert get_underlyings("zerodha", "MCX") == ["GOLD"]
    assert get_underlyings("zerodha", "CDS", "CE") == ["USDINR"]
    assert get_underlyings("zerodha", "CDS", "FUT") == []
    assert get_underlyings("angel", "NFO") == ["ANGELONE", "NIFTY"]
    assert get_underlyings("zerodha", "NSE") == []


def test_expiries_are_in_order_and_begin_today(monkeypatch: pytest.MonkeyPatch) -> None:
    assert get_expiries("NIFTY", "NFO", "zerodha") == WEEKS
    assert get_expiries("NIFTY", "NFO", "zerodha", include_expired=True) == [EXPIRED, *WEEKS]
    evening = datetime(2026, 8, 18, 18, 29, tzinfo=UTC)  # 23:59 in India
    monkeypatch.setattr(clock, "now", lambda: evening)
    assert get_expiries("NIFTY", "NFO", "zerodha") == WEEKS
    monkeypatch.setattr(clock, "now", lambda: evening.replace(minute=30))
    assert get_expiries("NIFTY", "NFO", "zerodha") == WEEKS[1:]


def test_futures_and_options_have_calendars_of_their_own() -> None:
    assert get_expiries("GOLD", "MCX", "zerodha", "FUT") == [FUTURE_OF_GOLD]
    for kind in ("CE", "PE"):
        assert get_expiries("GOLD", "MCX", "zerodha", kind) == [OF_GOLD]
    assert get_expiries("GOLD", "MCX", "zerodha") == [OF_GOLD, FUTURE_OF_GOLD]


def test_current_expiries_tell_weeks_from_months() -> None:
    assert get_current_expiries("NIFTY", "NFO", "zerodha") == CurrentExpiries(
        weekly=WEEKS[0], next_weekly=WEEKS[1], monthly=WEEKS[1], next_monthly=WEEKS[3]
    )
    assert get_current_expiries("NIFTY", "NFO", "zerodha", "FUT") == CurrentExpiries(
        None, None, WEEKS[1], WEEKS[3]
    )
    assert get_current_expiries("GOLD", "MCX", "zerodha") == (None, None, OF_GOLD, None)
    assert get_current_expiries("NOBODY", "MCX", "zerodha") == (None, None, None, None)


def test_a_month_of_the_next_year_is_another_one() -> None:
    years = [date(2026, 12, 29), date(2027, 12, 28)]
    bulk_insert_symbols([each for day in years for each in options("FAR", "NFO", day, 100)], "x")
    assert get_current_expiries("FAR", "NFO", "x") == (None, None, *years)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 8, 25, 10, 1, tzinfo=UTC), [*WEEKS[1:3], WEEKS[1], WEEKS[3]]),  # 15:31
        (datetime(2026, 8, 25, 18, 29, tzinfo=UTC), [*WEEKS[1:3], WEEKS[1], WEEKS[3]]),
        (datetime(2026, 8, 25, 18, 30, tzinfo=UTC), [*WEEKS[2:4], WEEKS[3], None]),  # 26 August
        (datetime(2026, 9, 1, 18, 30, tzinfo=UTC), [None, None, WEEKS[3], None]),
    ],
    ids=str,
)
def test_an_expiry_is_the_current_one_until_midnight_in_india(
    monkeypatch: pytest.MonkeyPatch, moment: datetime, expected: list[date | None]
) -> None:
    monkeypatch.setattr(clock, "now", lambda: moment)
    assert list(get_current_expiries("NIFTY", "NFO", "zerodha")) == expected


def test_in_its_last_week_a_month_has_one_expiry_that_is_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 8, 24, 4, tzinfo=UTC))
    assert get_current_expiries("NIFTY", "NFO", "zerodha") == CurrentExpiries(
        weekly=WEEKS[1], next_weekly=WEEKS[2], monthly=WEEKS[1], next_monthly=WEEKS[3]
    )


def test_futures_are_in_the_order_of_their_expiries() -> None:
    found = get_futures("NIFTY", "NFO", "zerodha")
    assert [each.expiry for each in found] == [WEEKS[1], WEEKS[3]]
    assert {each.instrument_type for each in found} == {"FUT"}
    assert found[0] == get_symbol("NIFTY25AUG26FUT", "NFO", "zerodha")
    every = get_futures("NIFTY", "NFO", "zerodha", include_expired=True)
    assert [each.expiry for each in every] == [EXPIRED, WEEKS[1], WEEKS[3]]


def test_a_chain_has_calls_and_puts_side_by_side() -> None:
    found = chain()
    assert found[:5] == ("NIFTY", "NFO", WEEKS[0], 65, 0.05)
    assert [each.strike for each in found.strikes] == list(STRIKES)
    for row in found.strikes:
        for side, kind in ((row.call, "CE"), (row.put, "PE")):
            symbol = f"NIFTY18AUG26{row.strike:g}{kind}"
            assert side == get_symbol(symbol, "NFO", "zerodha")
            assert side is not None
        assert not row.is_nearest


def test_a_strike_may_have_a_call_alone_and_lots_may_differ() -> None:
    extra = contract("NIFTY", "NFO", WEEKS[0], "CE", 25_000.5, lot_size=75)
    bulk_insert_symbols([extra], "zerodha")
    found = chain()
    assert found.strikes[-1].strike == 25_000.5
    assert found.strikes[-1].call is not None
    assert found.strikes[-1].put is None
    assert (found.lot_size, found.tick_size) == (None, 0.05)


@pytest.mark.parametrize(
    ("price", "nearest"),
    [
        (24_500, 24_500),
        (24_474.9, 24_450),
        (24_475, 24_450),  # of two alike the lower one
        (24_475.1, 24_500),
        (1, 24_300),
        (99_999, 24_600),
    ],
)
def test_the_strike_nearest_to_a_price_is_marked(price: float, nearest: float) -> None:
    assert [each.strike for each in chain(price).strikes if each.is_nearest] == [nearest]


@pytest.mark.parametrize(
    ("price", "strikes", "expected"),
    [
        (24_450, 1, STRIKES[1:4]),
        (24_450, 2, STRIKES),
        (24_300, 1, STRIKES[:2]),
        (24_600, 2, STRIKES[2:]),
        (24_450, 1_000, STRIKES),
    ],
)
def test_a_chain_may_end_some_strikes_from_the_price(
    price: float, strikes: int, expected: tuple[float, ...]
) -> None:
    found = chain(around=price, strikes=strikes)
    assert tuple(each.strike for each in found.strikes) == expected
    assert [each.strike for each in found.strikes if each.is_nearest] == [price]


def test_an_expired_chain_can_be_read_and_one_that_is_not_there_is_empty() -> None:
    assert len(chain(expiry=EXPIRED).strikes) == 5
    nothing = get_option_chain("NIFTY", "NFO", TODAY, "zerodha", around=24_500.0, strikes=2)
    assert nothing == OptionChain("NIFTY", "NFO", TODAY, None, None, ())


def test_in_a_session_contracts_are_what_it_has_stored() -> None:
    with get_write_session() as tx:
        bulk_insert_symbols(options("NIFTY", "NFO", TODAY, 1.0), "zerodha", tx=tx)
        assert len(chain(expiry=TODAY, tx=tx).strikes) == 1
        assert get_expiries("NIFTY", "NFO", "zerodha", tx=tx)[0] == TODAY
        current = get_current_expiries("NIFTY", "NFO", "zerodha", tx=tx)
        assert current.weekly == TODAY
        bulk_insert_symbols([contract("NEWCO", "NFO", TODAY, "FUT")], "zerodha", tx=tx)
        assert [each.expiry for each in get_futures("NEWCO", "NFO", "zerodha", tx=tx)] == [TODAY]
        assert get_underlyings("zerodha", "NFO", tx=tx) == ["NEWCO", "NIFTY"]


ASKED: list[Callable[[Any, Any, Any], object]] = [
    lambda name, exchange, broker: get_underlyings(broker, exchange) if name == "NIFTY" else [],
    get_expiries,
    get_futures,
    lambda name, exchange, broker: list(get_option_chain(name, exchange, WEEKS[0], broker)[5]),
]


@pytest.mark.parametrize("place", range(3))
def test_what_no_contract_can_have_finds_nothing(place: int) -> None:
    for odd in (None, 7, "", "x\0", "\ud800", "x" * 300, b"NIFTY", ["NIFTY"]):
        given: list[Any] = ["NIFTY", "NFO", "zerodha"]
        given[place] = odd
        with get_read_session() as tx:
            for ask in ASKED:
                assert ask(*given) == []
            assert get_futures(*given, tx=tx) == []


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"around": float("nan")}, "around: NaN"),
    ({"around": "24500"}, "around: a number is needed"),
    ({"around": True}, "around: a number is needed"),
    ({"around": 24_500, "strikes": 0}, "strikes must be 1 or more"),
    ({"around": 24_500, "strikes": True}, "strikes: a whole number is needed"),
    ({"strikes": 5}, "give around as well"),
    ({"expiry": "2026-08-18"}, "a date is needed"),
    ({"expiry": None}, "a date is needed"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=lambda each: str(each)[:40])
def test_a_chain_of_what_can_be_none_is_refused(arguments: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {
        "underlying": "NIFTY",
        "exchange": "NFO",
        "expiry": WEEKS[0],
        "broker": "zerodha",
    }
    with pytest.raises(InvalidInput, match=message):
        get_option_chain(**(good | arguments))


def test_a_kind_of_contract_is_one_of_three() -> None:
    kind: Any
    for kind in ("EQ", "fut", 7, ""):
        with pytest.raises(InvalidInput, match="instrument_type must be one of FUT, CE, PE"):
            get_expiries("NIFTY", "NFO", "zerodha", kind)
        with pytest.raises(InvalidInput, match="instrument_type must be one of"):
            get_underlyings("zerodha", "NFO", kind)
        with pytest.raises(InvalidInput, match="instrument_type must be one of"):
            get_current_expiries("NIFTY", "NFO", "zerodha", kind)
