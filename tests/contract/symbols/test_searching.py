"""Searching a master: what is found and in which order, as a plain reference finds it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from openalgo_store import (
    Instrument,
    InvalidInput,
    Store,
    Symbol,
    bulk_insert_symbols,
    get_read_session,
    get_symbol,
    read_instruments,
    replace_symbols,
    search_symbols,
)
from openalgo_store.caching import search_index, search_ranks
from openalgo_store.engine.queries import Query
from openalgo_store.instruments.samples.generator import DAY, write_zerodha_file
from openalgo_store.tables.symbols import symbols
from openalgo_store.values import clock
from tests.support.chance import chance_of

NOW = datetime(DAY.year, DAY.month, DAY.day, 4, tzinfo=UTC)
ROWS = 700
EVERY_SYMBOL = Query.of(symbols.select(), Symbol)


def option(name: str, expiry: date, strike: float, kind: str, token: str) -> Instrument:
    symbol = f"{name}{expiry:%d%b%y}{strike:g}{kind}".upper()
    return Instrument(
        symbol, "NFO", token, f"{name}{expiry:%y%b}{strike:g}{kind}", name, "NFO", kind,
        50, 0.05, expiry, strike, kind,
    )  # fmt: skip


def share(symbol: str, name: str | None, token: str, broker_symbol: str = "") -> Instrument:
    return Instrument(symbol, "NSE", token, broker_symbol or symbol, name, "NSE", "EQ", 1, 0.05)


OF_TODAY, YESTERDAY = DAY, DAY - timedelta(days=1)
ODD = [
    share("M&M", "Mahindra & Mahindra", "t1"),
    share("BAJAJ-AUTO", "BAJAJ AUTO LIMITED", "t2", "BAJAJ-AUTO-EQ"),
    share("20MICRONS", "20 Microns", "t3"),
    share("Straße", "STRASSE AG", "tß"),
    share("nifty", None, "NSE_FO|71505"),
    share("100%_'\"", "a;b\\c", "t4"),
    share("GAMMABETA", None, "t5"),
    share("BETAGAMMA", None, "t6"),
    *(
        share(f"C-BTC-{strike}-{kind}", None, f"t7{strike}{kind}")
        for strike in range(100_000, 100_020)
        for kind in "CP"
    ),
    *(
        option("OLDCO", expiry, strike, kind, f"x{expiry:%d}{strike:g}{kind}")
        for expiry in (YESTERDAY, OF_TODAY)
        for strike in (292.5, 300.0)
        for kind in ("CE", "PE")
    ),
]
"""What no market of the generator has; half of the contracts expired yesterday."""


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> list[Instrument]:
    path = tmp_path_factory.mktemp("market") / "day.csv"
    write_zerodha_file(path, ROWS)
    read = read_instruments("zerodha", path)
    return [*(each for each in read if isinstance(each, Instrument)), *ODD]


@pytest.fixture
def stored(store: Store, market: list[Instrument], monkeypatch: pytest.MonkeyPatch) -> list[Symbol]:
    """Every symbol of the market, on the day of its file."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    replace_symbols(market, "zerodha")
    return every_symbol()


def every_symbol() -> list[Symbol]:
    with get_read_session() as tx:
        return tx.all(EVERY_SYMBOL)


def fit_of(word: str, row: Symbol) -> int | None:
    """0 to 4, as ARCHITECTURE of a search has it; None if the word does not fit."""
    symbol, name = row.symbol.casefold(), (row.name or "").casefold()
    is_number = word.replace(".", "", 1).isdecimal() and word.isascii() and word[0] != "."
    if word == symbol:
        return 0
    if word == name:
        return 1
    if symbol[: len(word)] == word:
        return 2
    if word in symbol:
        return 3
    elsewhere = [name, row.broker_symbol.casefold(), row.token.casefold()]
    if any(word in each for each in elsewhere):
        return 4
    if is_number and word[-1] != "." and row.strike and row.strike == float(word):
        return 4
    return None


def reference(
    rows: list[Symbol],
    query: str,
    *,
    limit: int = 50,
    include_expired: bool = False,
    strike_min: float | None = None,
    strike_max: float | None = None,
    **equal: Any,
) -> list[Symbol]:
    found = []
    words = query.casefold().split()
    names = {"underlying": "name"}
    for row in rows:
        if any(getattr(row, names.get(key, key)) != value for key, value in equal.items()):
            continue
        if (strike_min is not None or strike_max is not None) and not row.strike:
            continue
        if strike_min is not None and row.strike is not None and row.strike < strike_min:
            continue
        if strike_max is not None and row.strike is not None and row.strike > strike_max:
            continue
        if not include_expired and row.expiry is not None and row.expiry < DAY:
            continue
        fits = [fit_of(word, row) for word in words]
        if None in fits:
            continue
        fit = min([each for each in fits if each is not None], default=0)
        if words and row.symbol.casefold() == "".join(words):
            fit = 0
        order = (row.expiry or date.min, len(row.symbol), row.symbol, row.exchange)
        found.append((fit, order, row))
    found.sort(key=lambda each: each[:2])
    return [row for _, _, row in found[:limit]]


def drawn_query(chance: Random, rows: list[Symbol]) -> str:
    """One to four words, most of them parts of what one row has."""
    row = chance.choice(rows)
    texts = [row.symbol, row.broker_symbol, row.token, *(row.name or "x").split()]
    if row.strike:
        texts += [f"{row.strike:g}", f"{row.strike:.2f}"]
    words = []
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
        text = chance.choice(texts) if chance.random() < 0.95 else chance.choice(rows).symbol
        if chance.random() < 0.7:
            begin = chance.choice((0, 0, chance.randrange(len(text))))
            text = text[begin : begin + chance.choice((1, 2, 3, 5, 9))]
        words.append(chance.choice((text, text.lower(), text.upper())))
    return chance.choice((" ", "  ", "\t")).join(words)


def drawn_filters(chance: Random, rows: list[Symbol]) -> dict[str, Any]:
    row = chance.choice(rows)
    every: dict[str, Any] = {
        "exchange": row.exchange,
        "instrument_type": row.instrument_type,
        "underlying": row.name or "none",
        "expiry": row.expiry or DAY,
        "strike_min": chance.choice((0, row.strike or 0.0)),
        "strike_max": max(60_000.0, row.strike or 0.0),
        "include_expired": True,
        "limit": chance.choice((1, 7, 1_000)),
    }
    return {name: every[name] for name in every if chance.random() < 0.15}


@pytest.mark.parametrize("few", [0, 60, ROWS], ids=["rank by rank", "either", "sorted"])
def test_a_search_finds_what_a_plain_reference_finds_in_the_same_order(
    stored: list[Symbol],
    monkeypatch: pytest.MonkeyPatch,
    soak: Callable[[int], int],
    few: int,
) -> None:
    monkeypatch.setattr(search_index, "FEW", few)
    monkeypatch.setattr(search_index, "_VERY_FEW", 0)
    monkeypatch.setattr(search_index, "_SCAN", few)
    chance = chance_of(f"searches {few}")
    found_any = 0
    for _ in range(soak(700)):
        query = drawn_query(chance, stored)
        filters = drawn_filters(chance, stored) if chance.random() < 0.5 else {}
        expected = reference(stored, query, **filters)
        assert search_symbols(query, "zerodha", **filters) == expected, (query, filters)
        found_any += bool(expected)
    assert found_any > soak(700) / 2


def names(query: str, **filters: Any) -> list[str]:
    return [each.symbol for each in search_symbols(query, "zerodha", **filters)]


def test_the_best_answers_stand_first(stored: list[Symbol]) -> None:
    found = search_symbols("nifty", "zerodha", limit=1_000)
    assert [each.symbol for each in found[:2]] == ["NIFTY", "nifty"]
    kinds = [
        0 if each.symbol.casefold() == "nifty"
        else 1 if each.name == "NIFTY"
        else 2 if each.symbol.startswith("NIFTY")
        else 3
        for each in found
    ]  # fmt: skip
    assert kinds == sorted(kinds)
    assert set(kinds) == {0, 1, 2, 3}
    ahead = [each.expiry for each in found if each.name == "NIFTY"]
    assert ahead == sorted(ahead, key=lambda day: day or date.min)


@pytest.mark.parametrize("few", [0, ROWS], ids=["rank by rank", "sorted"])
def test_every_word_counts_wherever_it_stands(
    stored: list[Symbol], monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(search_index, "FEW", few)
    monkeypatch.setattr(search_index, "_VERY_FEW", 0)
    monkeypatch.setattr(search_index, "_SCAN", 0)
    (one,) = search_symbols("ce 300 OLDCO", "zerodha")
    assert (one.symbol, one.expiry) == (f"OLDCO{DAY:%d%b%y}300CE".upper(), DAY)
    assert names(f"oldco {DAY:%d%b%y} 292.5 pe") == [f"OLDCO{DAY:%d%b%y}292.5PE".upper()]
    assert names("oldco 292.50 pe") == names("oldco 292.5 pe")
    assert names("auto bajaj") == ["BAJAJ-AUTO"]
    assert names("eq") == names("-eq") == ["BAJAJ-AUTO"]  # as the broker calls it
    assert names("292.5000") == names("292.50") == names("292.5") != []
    for digit in ("5", "50", "26"):
        assert names(digit) == [each.symbol for each in reference(stored, digit)]
    assert names("e") == [each.symbol for each in reference(stored, "e")]
    assert names("gamma beta") == ["GAMMABETA", "BETAGAMMA"]
    assert names("beta gamma") == ["BETAGAMMA", "GAMMABETA"]
    assert names("strasse") == ["Straße"]
    assert names("STRAßE ag") == ["Straße"]
    assert names("nse_fo|7150") == ["nifty"]
    for query in ("- 0", "- btc", "c -"):  # a symbol may have a run several times
        assert names(query) == [each.symbol for each in reference(stored, query)]
    assert names("reliance 0.0") == []  # which the future has for none
    assert names("reliance") != []


@pytest.mark.parametrize("query", ["26aug", "::", "x18"], ids=["broker symbols", "tokens", "few"])
def test_what_is_in_no_symbol_is_not_looked_for_in_each(
    store: Store, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    """A word of letters and digits whose halves are everywhere."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr(search_index, "FEW", 20)
    monkeypatch.setattr(search_index, "_VERY_FEW", 0)
    monkeypatch.setattr(search_index, "_SCAN", 0)
    expiry = date(2026, 8, 25)
    rows = [option(f"CO{at}", expiry, 18, "CE", f"{at}::{at}") for at in range(700)]
    last = rows[-1]._replace(broker_symbol="MAX18", token="x")
    replace_symbols([*rows[:-1], last], "zerodha")
    ranked: list[Any] = []

    def counting(search: search_ranks.Search) -> Callable[[Any], int]:
        rank = search_ranks.ranking(search)
        return lambda row: ranked.append(row) or rank(row)  # type: ignore[func-returns-value]

    monkeypatch.setattr(search_index, "ranking", counting)
    assert search_symbols(query, "zerodha", limit=5) == reference(every_symbol(), query, limit=5)
    assert 1 <= len(ranked) < 50


def test_what_means_something_elsewhere_is_plain_text(stored: list[Symbol]) -> None:
    odd = "100%_'\""
    for word in ("%", "_", "'", '"', "\\", odd, ";b"):
        assert odd in names(word), word
        assert names(word) == [each.symbol for each in reference(stored, word)]
    for nothing in ("%%%", "' OR 1=1 --", "*", "?", ".*"):
        assert names(nothing) == [each.symbol for each in reference(stored, nothing)]


def test_what_expired_is_shown_only_if_asked_for(stored: list[Symbol]) -> None:
    days = [each.expiry for each in search_symbols("oldco", "zerodha")]
    assert days == [DAY] * 4
    days = [each.expiry for each in search_symbols("oldco", "zerodha", include_expired=True)]
    assert days == [YESTERDAY] * 4 + [DAY] * 4


def test_an_empty_query_browses_what_its_filters_leave(stored: list[Symbol]) -> None:
    filters: dict[str, Any] = {"exchange": "NFO", "instrument_type": "CE", "underlying": "OLDCO"}
    assert [each.strike for each in search_symbols(" ", "zerodha", **filters)] == [300.0, 292.5]
    assert names("", underlying="OLDCO", strike_min=292.5, strike_max=292.5) == [
        f"OLDCO{DAY:%d%b%y}292.5{kind}".upper() for kind in ("CE", "PE")
    ]
    assert names("", exchange="NOWHERE") == []


def test_brokers_do_not_mix_and_an_unknown_one_has_nothing(stored: list[Symbol]) -> None:
    bulk_insert_symbols([share("RELIANCE", "Reliance", "9")], "angel")
    (one,) = search_symbols("reliance", "angel")
    assert one == get_symbol("RELIANCE", "NSE", "angel")
    for nobody in ("nobody", "", "x" * 300, "\0"):
        assert search_symbols("reliance", nobody) == []
    assert set(stored) >= set(search_symbols("reliance", "zerodha"))


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"query": None}, "query: text is needed"),
    ({"query": ["NIFTY"]}, "query: text is needed"),
    ({"query": "x" * 10_000}, "more than 200 characters"),
    ({"query": "NIF\0TY"}, "NUL"),
    ({"query": "NIF\ud800TY"}, "lone surrogate"),
    ({"query": " "}, "the query is empty"),
    ({"limit": 0}, "limit must be a whole number from 1 to 1000"),
    ({"limit": -1}, "limit must be"),
    ({"limit": True}, "limit must be"),
    ({"limit": 1_001}, "limit must be"),
    ({"limit": 1.5}, "limit must be"),
    ({"strike_min": 2, "strike_max": 1}, "strike_min is above strike_max"),
    ({"strike_min": float("nan")}, "strike_min: NaN"),
    ({"strike_max": float("inf")}, "strike_max: NaN and infinity"),
    ({"strike_max": "100"}, "strike_max: a number is needed"),
    ({"strike_min": True}, "strike_min: a number is needed"),
    ({"exchange": 7}, "exchange: text is needed"),
    ({"underlying": "x\0"}, "NUL"),
    ({"expiry": "2026-08-25"}, "a date is needed"),
    ({"expiry": datetime(2026, 8, 25)}, "a date is needed"),
    ({"include_expired": 1}, "include_expired must be True or False"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=lambda each: str(each)[:40])
def test_an_argument_that_can_be_none_is_refused(
    store: Store, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        search_symbols(**({"query": "NIFTY", "broker": "zerodha"} | arguments))
