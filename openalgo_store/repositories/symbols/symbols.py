"""Looking symbols up: from the cached master of a broker, or in the caller's own transaction."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

from ...caching.snapshots import TOKEN, ByText, Snapshot
from ...engine.queries import Query
from ...engine.sql_files import SqlFile
from ...engine.transaction import Transaction
from ...errors import InvalidInput, Unavailable
from ...instruments.cleaning import Rejected, token_of
from ...records import Row
from ...records.symbols import Symbol
from ...sessions import one_statement, reading
from ...store import current_store
from ...tables.symbols import LONGEST, symbol_loads, symbols
from ...tables.types import StrictJson
from ...threads import in_real_thread
from ...values.arguments import iterated
from ...values.text import check_text, require_text

R = TypeVar("R")


class _Lookup(NamedTuple, Generic[R]):
    """One way to look up: what the database is asked, and where a snapshot has the same."""

    query: Query[R]
    bind: str
    maps: Callable[[Snapshot], ByText]
    take: Callable[[Row], R]


_sql = SqlFile("symbols/symbols.sql", symbols)
_get_symbol = _sql.query("get_symbol", Symbol)
_get_symbol_token = _sql.query("get_symbol_token", str)
_get_symbol_by_token = _sql.query("get_symbol_by_token", Symbol)
_get_symbol_by_broker_symbol = _sql.query("get_symbol_by_broker_symbol", Symbol)
_get_symbol_tokens = _sql.rows(
    "get_symbol_tokens", ("symbol", "exchange", "token"), pairs=StrictJson()
)
get_master_version = SqlFile("symbols/symbol_loads.sql", symbol_loads).query(
    "get_master_version", int
)
_get_master = _sql.rows("get_master", Symbol._fields)
_count_symbols = _sql.query("count_symbols", int)
_count_symbols_of_broker = _sql.query("count_symbols_of_broker", int)
_get_brokers = _sql.query("get_brokers", str)

_by_symbol = _Lookup(_get_symbol, "symbol", attrgetter("by_symbol"), Symbol._make)
_token = _Lookup(_get_symbol_token, "symbol", attrgetter("by_symbol"), itemgetter(TOKEN))
_by_token = _Lookup(_get_symbol_by_token, "token", attrgetter("by_token"), Symbol._make)
_by_broker_symbol = _Lookup(
    _get_symbol_by_broker_symbol, "broker_symbol", attrgetter("by_broker_symbol"), Symbol._make
)


def get_symbol(
    symbol: str, exchange: str, broker: str, *, tx: Transaction | None = None
) -> Symbol | None:
    """The instrument with this canonical symbol, as NIFTY25AUG26FUT on NFO, or None."""
    if tx is None:
        with _finding(_by_symbol, symbol, exchange, broker):
            return Symbol._make(_master(broker).by_symbol[exchange][symbol])
    return _ask(_by_symbol, symbol, exchange, broker, tx)


def get_symbol_token(
    symbol: str, exchange: str, broker: str, *, tx: Transaction | None = None
) -> str | None:
    """The broker's token of this canonical symbol, or None. Cached: below a microsecond."""
    if tx is None:
        try:
            return _master(broker).by_symbol[exchange][symbol][TOKEN]  # type: ignore[no-any-return]
        except KeyError:
            pass
        except (TypeError, InvalidInput):
            if _can_be(_token, symbol, exchange, broker):
                raise
    return _ask(_token, symbol, exchange, broker, tx)


def get_broker_symbol(
    symbol: str, exchange: str, broker: str, *, tx: Transaction | None = None
) -> str | None:
    """The broker's own name of this canonical symbol, or None."""
    found = get_symbol(symbol, exchange, broker, tx=tx)
    return found.broker_symbol if found else None


def get_symbol_by_token(
    token: str | int, exchange: str, broker: str, *, tx: Transaction | None = None
) -> Symbol | None:
    """The instrument with this token, which is unique within one exchange only, or None.

    Where two have it, which loads do not let happen, the one that lives longest.
    """
    if not isinstance(token, str):
        token = _text_of_token(token)
    if tx is None:
        with _finding(_by_token, token, exchange, broker):
            return Symbol._make(_master(broker).by_token[exchange][token])
    return _ask(_by_token, token, exchange, broker, tx)


def get_symbol_by_broker_symbol(
    broker_symbol: str, exchange: str, broker: str, *, tx: Transaction | None = None
) -> Symbol | None:
    """The instrument that the broker itself calls so, or None. `exchange` is the canonical one."""
    if tx is None:
        with _finding(_by_broker_symbol, broker_symbol, exchange, broker):
            return Symbol._make(_master(broker).by_broker_symbol[exchange][broker_symbol])
    return _ask(_by_broker_symbol, broker_symbol, exchange, broker, tx)


def get_symbol_tokens(
    pairs: Iterable[tuple[str, str]], broker: str, *, tx: Transaction | None = None
) -> dict[tuple[str, str], str]:
    """The tokens of many (symbol, exchange) pairs in one query; what is unknown is left out."""
    if not fits("broker", broker):
        return {}
    asked = iterated("pairs", pairs)
    if tx is not None:
        return _ask_for_tokens(list(filter(_can_be_known, asked)), broker, tx)
    found: dict[tuple[str, str], str] = {}
    absent: list[Sequence[str]] = []
    by_symbol = _master(broker).by_symbol
    for pair in asked:
        try:
            symbol, exchange = pair
            found[symbol, exchange] = by_symbol[exchange][symbol][TOKEN]
        except (KeyError, TypeError, ValueError):  # unknown, or no pair of texts
            if _can_be_known(pair):
                absent.append(pair)
    return found | _ask_for_tokens(absent, broker, tx)


def count_symbols(broker: str | None = None, *, tx: Transaction | None = None) -> int:
    """How many instruments are stored, of one broker or of all."""
    with reading("main", tx) as tx:
        if broker is None:
            return tx.value(_count_symbols) or 0
        return tx.value(_count_symbols_of_broker, broker=broker) or 0


def warm_symbol_cache(broker: str | None = None) -> int:
    """Load the master of a broker, or of every broker, into the cache; how many symbols.

    In a process that has searched it waits for the search index of the new one too.
    """
    if broker is not None:
        return _warm(require_text("broker", broker))
    with reading("main", primary=True) as tx:
        brokers = tx.all(_get_brokers)
    return sum(map(_warm, brokers))


def _warm(broker: str) -> int:
    store = current_store()
    master = store.symbols.warm(broker, _load_master)
    store.searches.renew(broker, master)
    return master.size


def _ask(
    lookup: _Lookup[R], text: str, exchange: str, broker: str, tx: Transaction | None
) -> R | None:
    """What the caller's session tells; else the primary, which has what the cached master lacks.

    None for what no symbol can have.
    Where that cannot be asked, a master that is known to be old tells what it has.
    """
    if not _can_be(lookup, text, exchange, broker):
        return None
    values = {lookup.bind: text, "exchange": exchange, "broker": broker}
    try:
        with one_statement("main", tx, primary=tx is None) as session:
            return next(iter(session.all(lookup.query, **values)), None)
    except Unavailable:
        if tx is None:
            with suppress(KeyError):
                return lookup.take(lookup.maps(_old_master(broker))[exchange][text])
        raise


def _ask_for_tokens(
    pairs: Sequence[Sequence[str]], broker: str, tx: Transaction | None
) -> dict[tuple[str, str], str]:
    """The same for many at once."""
    if not pairs:
        return {}
    try:
        with one_statement("main", tx, primary=tx is None) as session:
            rows = session.all(_get_symbol_tokens, pairs=pairs, broker=broker)
            return {(symbol, exchange): token for symbol, exchange, token in rows}
    except Unavailable:
        if tx is None:
            with suppress(KeyError):
                by_symbol = _old_master(broker).by_symbol
                return {(each, on): by_symbol[on][each][TOKEN] for each, on in pairs}
        raise


class _finding:  # noqa: N801
    """Go on where the cached master lacks these, or where one of them can be no name."""

    def __init__(self, *names: Any) -> None:
        self._names = names

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> bool:
        if kind is TypeError or kind is InvalidInput:
            return not _can_be(*self._names)
        return kind is KeyError


def _can_be_known(pair: object) -> bool:
    """Whether it is a symbol and an exchange that could be stored."""
    return (
        isinstance(pair, (tuple, list))
        and len(pair) == 2
        and fits("symbol", pair[0])
        and fits("exchange", pair[1])
    )


def _can_be(lookup: _Lookup[Any], text: object, exchange: object, broker: object) -> bool:
    """Whether a stored symbol could be found by these."""
    return fits(lookup.bind, text) and fits("exchange", exchange) and fits("broker", broker)


def fits(column: str, text: object) -> bool:
    """Whether a stored symbol could have this text in the column."""
    if not isinstance(text, str) or len(text) > LONGEST[column]:
        return False
    try:
        check_text(text)
    except InvalidInput:
        return False
    return True


def _text_of_token(token: object) -> str:
    """2885 as text; a NUL for what is no token."""
    try:
        return token_of(token) or "\0"
    except Rejected:
        return "\0"


def _master(broker: str) -> Snapshot:
    return current_store().symbols.snapshot(broker, _load_master)


def whole_master(broker: str) -> Snapshot:
    """All symbols of the broker; the old ones while a master of another process is being read."""
    return current_store().symbols.whole(broker, _load_master)


def _old_master(broker: str) -> Snapshot:
    return current_store().symbols.outdated(broker)


def _load_master(broker: str, expires_at: float, held: Snapshot | None) -> Snapshot:
    return in_real_thread(_read_master, broker, expires_at, held)


def _read_master(broker: str, expires_at: float, held: Snapshot | None) -> Snapshot:
    """From the primary: a replica may lag behind the change that emptied the cache."""
    with reading("main", primary=True) as tx:
        version = tx.value(get_master_version, broker=broker) or 0
        if held is not None and held.version == version > 0:
            return held
        rows = chain.from_iterable(tx.stream(_get_master, broker=broker).batches())
        return Snapshot(rows, version, expires_at)
