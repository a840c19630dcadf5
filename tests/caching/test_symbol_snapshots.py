"""The cache of masters: one query for many threads, nothing stale after a commit, nothing lost."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from openalgo_store import (
    Store,
    Symbol,
    Unavailable,
    bulk_insert_symbols,
    cache_stats,
    get_broker_symbol,
    get_read_session,
    get_symbol,
    get_symbol_by_broker_symbol,
    get_symbol_by_token,
    get_symbol_token,
    get_symbol_tokens,
    get_write_session,
    replace_symbols,
    use_store,
    warm_symbol_cache,
)
from openalgo_store.caching.snapshots import TOKEN, Snapshot
from tests.support.caches import new_cache
from tests.support.rows import master, shares
from tests.support.watching import watching


@pytest.fixture
def statements(store: Store) -> Iterator[list[str]]:
    """Every SELECT from symbols of the test, as it is sent."""
    sent: list[str] = []

    def note(sql: str, values: object) -> None:
        if sql.lstrip().startswith("SELECT") and "FROM symbols" in sql:
            sent.append(sql)

    with watching(store, before=note):
        yield sent


def token_of(symbol: str) -> str | None:
    return get_symbol_token(symbol, "NSE", "zerodha")


def test_every_lookup_answers_the_same_from_the_cache_and_from_the_database(store: Store) -> None:
    replace_symbols(shares(20), "zerodha")
    expected = master()["SHARE7"]
    for session in (None, get_read_session()):
        tx = session.__enter__() if session else None
        assert get_symbol("SHARE7", "NSE", "zerodha", tx=tx) == expected
        assert get_symbol_token("SHARE7", "NSE", "zerodha", tx=tx) == "T7"
        assert get_broker_symbol("SHARE7", "NSE", "zerodha", tx=tx) == "SHARE7-EQ"
        assert get_symbol_by_token("T7", "NSE", "zerodha", tx=tx) == expected
        assert get_symbol_by_broker_symbol("SHARE7-EQ", "NSE", "zerodha", tx=tx) == expected
        pairs = [("SHARE7", "NSE"), ("SHARE8", "BSE"), ("SHARE9", "NSE")]
        assert get_symbol_tokens(pairs, "zerodha", tx=tx) == {
            ("SHARE7", "NSE"): "T7",
            ("SHARE9", "NSE"): "T9",
        }
        for nothing in (("SHARE99", "NSE", "zerodha"), ("SHARE7", "BSE", "zerodha"),
                        ("SHARE7", "NSE", "angel")):  # fmt: skip
            assert get_symbol_token(*nothing, tx=tx) is None
            assert get_symbol_by_token(*nothing, tx=tx) is None
            assert get_symbol_by_broker_symbol(*nothing, tx=tx) is None
        if session:
            session.__exit__(None, None, None)


def test_tokens_that_meet_across_exchanges_and_brokers_stay_apart(store: Store) -> None:
    replace_symbols([*shares(3), *shares(3, exchange="BSE")], "zerodha")
    replace_symbols(shares(3), "angel")
    for tx_of in (None, "session"):
        with get_read_session() as session:
            tx = session if tx_of else None
            for exchange in ("NSE", "BSE"):
                found = get_symbol_by_token("T1", exchange, "zerodha", tx=tx)
                assert found is not None
                assert (found.exchange, found.broker) == (exchange, "zerodha")


EXPIRIES = [
    ([None, None, None], 0),  # the one that was stored first
    ([date(2026, 8, 25), date(2026, 9, 29), date(2026, 8, 18)], 1),
    ([date(2026, 8, 25), date(2026, 9, 29), None], 2),
]


@pytest.mark.parametrize(("expiries", "answers"), EXPIRIES)
def test_of_two_symbols_with_one_token_the_one_that_lives_longest_answers_everywhere(
    store: Store, expiries: list[date | None], answers: int
) -> None:
    for share, expiry in zip(shares(3), expiries, strict=True):
        twin = share._replace(token="T", broker_symbol="S", expiry=expiry)
        bulk_insert_symbols([twin], "zerodha")  # in one load they would meet
        with get_write_session() as tx:  # on PostgreSQL this moves the first row to the end
            tx.connection.exec_driver_sql("UPDATE symbols SET lot_size = 2 WHERE symbol = 'SHARE0'")
        store.symbols.invalidate("zerodha")
        with get_read_session() as tx:
            for lookup in (get_symbol_by_token, get_symbol_by_broker_symbol):
                name = "T" if lookup is get_symbol_by_token else "S"
                found = lookup(name, "NSE", "zerodha", tx=tx)
                assert found is not None
                stored = min(int(share.symbol[-1]), answers)
                assert found.symbol == f"SHARE{stored}"
                assert lookup(name, "NSE", "zerodha") == found


def test_a_load_empties_the_cache_of_the_store_it_went_to(store: Store) -> None:
    replace_symbols(shares(3, token="A"), "zerodha")
    assert token_of("SHARE1") == "A1"
    with get_write_session() as tx:
        replace_symbols(shares(3, token="B"), "zerodha", tx=tx)
        use_store(None)
    use_store(store)
    assert token_of("SHARE1") == "B1"


def test_a_cached_lookup_asks_the_database_nothing(store: Store, statements: list[str]) -> None:
    replace_symbols(shares(20), "zerodha")
    assert token_of("SHARE7") == "T7"
    statements.clear()
    assert [token_of(f"SHARE{number}") for number in range(20)] == [f"T{n}" for n in range(20)]
    assert statements == []


def test_eight_threads_that_miss_one_broker_make_one_query(
    store: Store, statements: list[str]
) -> None:
    replace_symbols(shares(2000), "zerodha")
    statements.clear()
    together = threading.Barrier(8)

    def look_up(number: int) -> str | None:
        together.wait(30)
        return token_of(f"SHARE{number}")

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(look_up, range(8))) == [f"T{number}" for number in range(8)]
    assert len(statements) == 1


def test_a_load_is_seen_by_the_next_lookup_once_it_is_committed(store: Store) -> None:
    replace_symbols(shares(10, token="A"), "zerodha")
    assert token_of("SHARE1") == "A1"
    with get_write_session() as tx:
        replace_symbols(shares(10, token="B"), "zerodha", tx=tx)
        assert get_symbol_token("SHARE1", "NSE", "zerodha", tx=tx) == "B1"
        assert token_of("SHARE1") == "A1"
    assert token_of("SHARE1") == "B1"


def test_a_load_that_is_rolled_back_leaves_the_cache_as_it_was(
    store: Store, statements: list[str]
) -> None:
    replace_symbols(shares(10, token="A"), "zerodha")
    assert token_of("SHARE1") == "A1"
    with get_write_session() as tx:
        with pytest.raises(ZeroDivisionError), tx.savepoint():
            replace_symbols(shares(10, token="B"), "zerodha", tx=tx)
            _ = 1 / 0
    with pytest.raises(ZeroDivisionError), get_write_session() as tx:
        replace_symbols(shares(10, token="B"), "zerodha", tx=tx)
        _ = 1 / 0
    statements.clear()
    assert token_of("SHARE1") == "A1"
    assert statements == []


def test_a_lookup_in_a_session_neither_reads_nor_fills_the_cache(store: Store) -> None:
    replace_symbols(shares(10), "zerodha")
    with get_read_session() as tx:
        get_symbol_token("SHARE1", "NSE", "zerodha", tx=tx)
    stats = cache_stats()["symbol_cache"]
    assert (stats.size, stats.hits, stats.misses, stats.expires_at) == (0, 0, 0, None)


def test_absence_is_not_cached(store: Store) -> None:
    replace_symbols(shares(10), "zerodha")
    assert token_of("SHARE10") is None
    bulk_insert_symbols(shares(11), "zerodha")
    assert token_of("SHARE10") == "T10"
    with Store(store.settings) as elsewhere:  # another process has no way to tell ours
        use_store(elsewhere)
        bulk_insert_symbols(shares(12), "zerodha")
        use_store(store)
    assert token_of("SHARE11") == "T11"


def test_unknown_brokers_take_no_room(store: Store) -> None:
    for number in range(100):
        assert get_symbol_token("X", "NSE", f"broker{number}") is None
    cache = store.symbols
    assert (cache._fresh, cache._last, cache._loads._loads) == ({}, {}, {})


def test_warming_loads_every_broker_and_the_stats_say_so(store: Store) -> None:
    replace_symbols(shares(10), "zerodha")
    replace_symbols(shares(5), "angel")
    assert warm_symbol_cache() == 15
    assert warm_symbol_cache("angel") == 5
    token_of("SHARE1")
    stats = cache_stats()["symbol_cache"]
    assert (stats.size, stats.hits, stats.misses) == (15, 2, 2)
    assert stats.expires_at == store._session_end()


class Loader:
    """Masters for a SymbolCache of its own, with a hand on the moment in which they are read."""

    def __init__(self, token: str = "A") -> None:
        self.token = token
        self.reads = 0
        self.error: Exception | None = None
        self.read = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, broker: str, expires_at: float, held: Snapshot | None) -> Snapshot:
        self.reads += 1
        token = self.token
        self.read.set()
        assert self.go_on.wait(30)
        if self.error:
            raise self.error
        return Snapshot(_symbols(broker, token), 0, expires_at)


def _symbols(broker: str, token: str) -> Iterator[Symbol]:
    for each in shares(3, token=token):
        values = each._asdict()
        del values["series"], values["line"]
        yield Symbol(id=1, broker=broker, last_updated=None, **values)  # type: ignore[arg-type]


def test_a_read_that_began_before_a_change_answers_only_who_asked_before_it() -> None:
    cache, load = new_cache(lambda: time.time() + 60), Loader()
    load.go_on.clear()
    with ThreadPoolExecutor(1) as pool:
        began = pool.submit(cache.snapshot, "zerodha", load)
        assert load.read.wait(30)
        cache.invalidate("zerodha")  # the change is committed while the old rows are in hand
        later = cache.snapshot("zerodha", Loader("B"))
        load.go_on.set()
        assert began.result(30).by_symbol["NSE"]["SHARE1"][TOKEN] == "A1"
    assert later.by_symbol["NSE"]["SHARE1"][TOKEN] == "B1"
    assert cache.snapshot("zerodha", load) is later


def test_what_was_kept_since_it_was_missed_is_not_loaded_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache, load = new_cache(lambda: time.time() + 60), Loader()
    share = cache._loads.share

    def share_later(key: str, function: Callable[[], Snapshot]) -> Snapshot:
        monkeypatch.undo()
        cache.snapshot("zerodha", load)
        return share(key, function)

    monkeypatch.setattr(cache._loads, "share", share_later)
    assert cache.snapshot("zerodha", load) is cache.snapshot("zerodha", load)
    assert load.reads == 1


def test_a_snapshot_is_reloaded_once_when_the_session_ends() -> None:
    expiry = time.time() - 1
    cache, load = new_cache(lambda: expiry), Loader()
    cache.snapshot("zerodha", load)
    expiry = time.time() + 60
    load.token = "B"
    for _ in range(3):
        assert cache.snapshot("zerodha", load).by_symbol["NSE"]["SHARE1"][TOKEN] == "B1"
    assert load.reads == 2


def test_a_reload_that_fails_keeps_the_old_snapshot_and_is_tried_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr("openalgo_store.caching.symbol_snapshots.time.time", lambda: now)
    cache, load = new_cache(lambda: now + 60), Loader()
    cache.snapshot("zerodha", load)
    cache.invalidate("zerodha")
    load.token, load.error = "B", Unavailable("the database is away")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert cache.snapshot("zerodha", load).by_symbol["NSE"]["SHARE1"][TOKEN] == "A1"
    assert load.reads == 2  # not at every lookup
    assert "the old ones serve: the database is away" in caplog.text
    load.error = None
    now += 10
    assert cache.snapshot("zerodha", load).by_symbol["NSE"]["SHARE1"][TOKEN] == "B1"


def test_a_first_load_that_fails_is_raised() -> None:
    cache, load = new_cache(lambda: time.time() + 60), Loader()
    load.error = Unavailable("the database is away")
    with pytest.raises(Unavailable):
        cache.snapshot("zerodha", load)
    load.error = None
    assert cache.snapshot("zerodha", load).size == 3
