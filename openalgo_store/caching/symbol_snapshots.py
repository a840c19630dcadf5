"""Whole masters in memory, one immutable snapshot for each broker: readers never wait."""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from ..records.symbols import Symbol
from .single_flight import SingleFlight
from .statistics import CacheStats

ByText = defaultdict[str, dict[str, Symbol]]
"""exchange -> symbol, token or broker symbol -> record."""

_log = logging.getLogger("openalgo_store")
_RETRY = 5.0
"""Seconds for which the old snapshot serves after a reload that failed."""


class Snapshot:
    """A broker's master at one moment, found by symbol, by token and by broker symbol."""

    __slots__ = ("by_broker_symbol", "by_symbol", "by_token", "expires_at", "size")

    def __init__(self, symbols: Iterable[Symbol], expires_at: float) -> None:
        self.by_symbol: ByText = defaultdict(dict)
        self.by_token: ByText = defaultdict(dict)
        self.by_broker_symbol: ByText = defaultdict(dict)
        self.expires_at = expires_at
        self.size = 0
        for symbol in _sharing_values(symbols):
            self.by_symbol[symbol.exchange][symbol.symbol] = symbol
            _keep_first(self.by_token[symbol.exchange], symbol.token, symbol)
            _keep_first(self.by_broker_symbol[symbol.exchange], symbol.broker_symbol, symbol)
            self.size += 1
        for found in (self.by_symbol, self.by_token, self.by_broker_symbol):
            found.default_factory = None


def _keep_first(found: dict[str, Symbol], key: str, symbol: Symbol) -> None:
    """Of two symbols with one token the one that was stored first, as the database answers."""
    held = found.setdefault(key, symbol)
    if held.id > symbol.id:
        found[key] = symbol


def _sharing_values(symbols: Iterable[Symbol]) -> Iterable[Symbol]:
    """The same records with one object for each repeated value: less than half the memory."""
    others: dict[Any, Any] = {}
    numbers: dict[Any, Any] = {}  # apart: 1 and 1.0 are equal keys
    one, number = others.setdefault, numbers.setdefault
    for (
        id_, broker, symbol, broker_symbol, token, exchange, broker_exchange, name,
        instrument_type, lot_size, tick_size, expiry, strike, option_type, last_updated,
    ) in symbols:  # fmt: skip
        yield Symbol(
            id_,
            one(broker, broker),
            symbol,
            symbol if broker_symbol == symbol else broker_symbol,
            token,
            one(exchange, exchange),
            one(broker_exchange, broker_exchange),
            one(name, name),
            one(instrument_type, instrument_type),
            one(lot_size, lot_size),
            number(tick_size, tick_size),
            one(expiry, expiry),
            number(strike, strike),
            one(option_type, option_type),
            one(last_updated, last_updated),
        )


class SymbolCache:
    """Whole masters by broker. Absence is not cached: what a snapshot lacks is asked for again."""

    def __init__(self, next_expiry: Callable[[], float]) -> None:
        self._next_expiry = next_expiry
        self._fresh: dict[str, Snapshot] = {}
        self._last: dict[str, Snapshot] = {}
        self._epochs: dict[str, int] = {}
        self._loads: SingleFlight[Snapshot] = SingleFlight()
        self._mutex = threading.Lock()
        self.hits = 0
        self.misses = 0

    def snapshot(self, broker: str, load: Callable[[str], Iterable[Symbol]]) -> Snapshot:
        """The broker's master: from the cache, else loaded by one thread while others wait.

        When a reload fails the snapshot before it goes on serving for a few seconds. A load that
        began before a change answers only who asked before it, and is not kept.
        """
        found = self._fresh.get(broker)
        if found is not None and found.expires_at > time.time():
            self.hits += 1
            return found
        self.misses += 1
        epoch = self._epochs.get(broker, 0)
        return self._loads.share((broker, epoch), lambda: self._load(broker, load, epoch))

    def _load(self, broker: str, load: Callable[[str], Iterable[Symbol]], epoch: int) -> Snapshot:
        found = self._fresh.get(broker)
        if found is not None and found.expires_at > time.time():  # kept since it was missed
            return found
        try:
            loaded = Snapshot(load(broker), self._next_expiry())
        except Exception as error:
            loaded = self._kept(broker, error)
        with self._mutex:
            if self._epochs.get(broker, 0) != epoch:
                return loaded
            if loaded.size:
                self._fresh[broker] = self._last[broker] = loaded
            else:  # an unknown name must not take room
                self._fresh.pop(broker, None)
                self._last.pop(broker, None)
        return loaded

    def _kept(self, broker: str, error: Exception) -> Snapshot:
        last = self._last.get(broker)
        if last is None:
            raise error
        _log.warning("the symbols of %s were not reloaded, the old ones serve: %s", broker, error)
        last.expires_at = time.time() + _RETRY
        return last

    def invalidate(self, broker: str) -> None:
        """The broker's master has changed: the next reader loads it."""
        with self._mutex:
            self._epochs[broker] = self._epochs.get(broker, 0) + 1
            self._fresh.pop(broker, None)

    def stats(self) -> CacheStats:
        """Size, hits, misses, and when the first snapshot expires."""
        fresh = list(self._fresh.values())
        return CacheStats(
            sum(each.size for each in fresh),
            self.hits,
            self.misses,
            min((each.expires_at for each in fresh), default=None),
        )
