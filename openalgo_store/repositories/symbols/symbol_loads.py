"""Loading a broker's master: read and checked first, compared, and only differences written."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache, partial
from weakref import WeakKeyDictionary

from sqlalchemy import bindparam, select

from ...caching.snapshots import MasterChange
from ...caching.symbol_snapshots import SymbolCache
from ...engine.pagination import row_limit
from ...engine.queries import Query
from ...engine.sql_files import SqlFile
from ...engine.transaction import Transaction
from ...errors import InvalidInput, StoreError, Unavailable
from ...records import Row
from ...records.symbols import RejectedRow, RenamedSymbol, SymbolLoad
from ...sessions import reading, writing
from ...store import current_store
from ...tables.symbols import symbol_loads as symbol_loads_table
from ...tables.symbols import symbols as symbols_table
from ...tables.types import Whole
from ...threads import in_real_thread
from ...values import clock
from ...values.arguments import true_or_false
from ...values.text import check_text, require_text, storable
from ..announcing import SYMBOLS, announce
from ..shapes import equal, given
from .comparison import FEW, compare_symbols, write_difference, written_symbols
from .incoming_master import Given, IncomingMaster
from .refusals import refuse_a_bad_file, refuse_a_loss
from .symbols import get_master_version

_log = logging.getLogger("openalgo_store")


_sql = SqlFile("symbols/symbol_loads.sql", symbol_loads_table)
_add_symbol_load = _sql.query("add_symbol_load", int)
_get_last_symbol_load = _sql.query("get_last_symbol_load", SymbolLoad)


def replace_symbols(
    symbols: Iterable[Given],
    broker: str,
    *,
    force: bool = False,
    tx: Transaction | None = None,
) -> SymbolLoad:
    """Make the broker's master exactly these symbols, writing only what differs.

    `symbols` is what read_instruments yields, or mappings with the fields of Instrument. It is
    read and checked before any lock is taken; then one transaction compares, writes and records
    the load. Readers see the old master or the new one, whole; at any failure the old one stays.

    A stored row stays if the master has it, but in a form that had to be rejected.

    Unless `force` raises SymbolLoadRefused for a master of no rows, or of less than half of what is
    stored of the broker, or of an exchange with 50 rows or more; for one that lacks more than half
    of an exchange's unexpired symbols, or has most of its tick sizes in another unit; for one of
    which more than 5% was rejected; for a file that is cut off or a header alone. InvalidInput for
    a source that cannot be read or has more than a million rows. Both are recorded in symbol_loads,
    unless `tx` is given: then that session decides.
    """
    return _load(symbols, broker, tx, whole=True, force=true_or_false("force", force))


def bulk_insert_symbols(
    symbols_data: Iterable[Given], broker: str, *, tx: Transaction | None = None
) -> SymbolLoad:
    """Insert or update these symbols of a broker and remove none; otherwise as replace_symbols."""
    return _load(symbols_data, broker, tx, whole=False, force=True)


def last_symbol_load(broker: str, *, tx: Transaction | None = None) -> SymbolLoad | None:
    """The newest load of a broker, stored or refused, or None."""
    with reading("main", tx) as tx:
        found = tx.one(_get_last_symbol_load, broker=broker)
    return _typed(found) if found else None


@cache
def _newest_loads(asked: frozenset[str]) -> Query[SymbolLoad]:
    """At most `row_limit` loads, the newest first, of what is asked for."""
    found = select(symbol_loads_table).where(*equal(symbol_loads_table, asked))
    most = bindparam("row_limit", type_=Whole)
    return Query.of(found.order_by(symbol_loads_table.c.id.desc()).limit(most), SymbolLoad)


def symbol_loads(
    broker: str | None = None, limit: int = 20, *, tx: Transaction | None = None
) -> list[SymbolLoad]:
    """The newest loads first, of one broker or of all."""
    most = row_limit("limit", limit)
    asked = given(broker=broker)
    with reading("main", tx) as tx:
        found = tx.all(_newest_loads(frozenset(asked)), **asked, row_limit=most)
    return [_typed(load) for load in found]


def _load(
    given: Iterable[Given], broker: str, tx: Transaction | None, *, whole: bool, force: bool
) -> SymbolLoad:
    started = clock.now()
    master = IncomingMaster()
    check_text(require_text("broker", broker))
    if not broker or broker != broker.strip() or len(broker) > _BROKER_LENGTH:
        raise InvalidInput(f"broker must be a name of 1 to {_BROKER_LENGTH} characters")
    try:
        with writing("main", tx):  # refuses before anything is read; nothing is locked
            master.read(given)
        store = partial(_store, master, broker, started, whole=whole, force=force)
        return in_real_thread(_write, store, tx)
    except Exception as error:
        may_be_stored = isinstance(error, Unavailable) and error.outcome_unknown
        if tx is None and not may_be_stored:
            _record_refusal(master, broker, started, error)
        raise


_BROKER_LENGTH: int = symbols_table.c.broker.type.length  # type: ignore[attr-defined]


def _write(store: Callable[[Transaction], SymbolLoad], tx: Transaction | None) -> SymbolLoad:
    with writing("main", tx) as session:
        return store(session)


def _store(
    master: IncomingMaster,
    broker: str,
    started: datetime,
    tx: Transaction,
    *,
    whole: bool,
    force: bool,
) -> SymbolLoad:
    cache = current_store().symbols
    began = time.perf_counter()
    tx.lock(f"symbols of {broker}")
    before = tx.value(get_master_version, broker=broker)
    if not force:
        refuse_a_bad_file(master, broker)
    difference = compare_symbols(tx, master, broker, clock.trading_day(started), whole=whole)
    if not force:
        refuse_a_loss(difference, broker)
    write_difference(tx, master, broker, difference, started)
    stored: list[Row] | None = None
    if before and cache.version(broker) == before and master.size <= FEW:
        stored = written_symbols(tx, master, broker, difference, started)
    load = SymbolLoad(
        id=0,
        broker=broker,
        status="loaded",
        started_at=started,
        total=master.total,
        inserted=master.size,
        updated=len(difference.changed),
        deleted=len(difference.gone),
        unchanged=difference.unchanged,
        rejected=master.rejected,
        rejected_by_reason=dict(master.rejected_by_reason),
        rejected_rows=master.rejected_rows,
        renamed=master.renamed + difference.renamed,
        read_seconds=master.read_seconds,
        validate_seconds=master.validate_seconds,
        write_seconds=time.perf_counter() - began,
        error=None,
        kept=difference.kept,
    )
    load = _recorded(tx, load)
    change = None
    if before and stored is not None:
        gone = [(symbol, exchange) for _, symbol, exchange in difference.gone]
        change = MasterChange(before, load.id, gone, stored)
    _hand_over(tx, broker, load.id, change, cache)
    return load


def _hand_over(
    tx: Transaction, broker: str, version: int, change: MasterChange | None, cache: SymbolCache
) -> None:
    """Once it is committed, change what is cached of the broker in the same way, or drop it.

    Of two loads in one transaction nobody may see the first one alone, and whether the second is
    rolled back to a savepoint the first cannot know: then it is dropped.
    """
    loads = _loads.setdefault(tx, Counter())
    loads[broker] += 1

    def committed() -> None:
        if change is None or loads[broker] > 1:
            cache.invalidate(broker)
        else:
            cache.apply(broker, change)

    announce(
        tx,
        SYMBOLS + broker,
        committed,
        unknown=partial(cache.invalidate, broker),
        confirm=partial(cache.confirm, broker, version),
    )


_loads: WeakKeyDictionary[Transaction, Counter[str]] = WeakKeyDictionary()
"""How often each transaction has loaded the master of a broker."""


def _record_refusal(
    master: IncomingMaster, broker: str, started: datetime, error: Exception
) -> None:
    """Say in symbol_loads why nothing was loaded; the error itself is already on its way."""
    refused = SymbolLoad(
        id=0,
        broker=broker,
        status="refused",
        started_at=started,
        total=master.total,
        inserted=0,
        updated=0,
        deleted=0,
        unchanged=0,
        rejected=master.rejected,
        rejected_by_reason=dict(master.rejected_by_reason),
        rejected_rows=master.rejected_rows,
        renamed=[],
        read_seconds=master.read_seconds,
        validate_seconds=master.validate_seconds,
        write_seconds=0.0,
        error=storable(f"{type(error).__name__}: {error}"),
        kept=0,
    )
    try:
        with writing("main") as tx:
            _recorded(tx, refused)
    except StoreError as another:
        _log.warning("the refused load of %s could not be recorded: %s", broker, another)


def _recorded(tx: Transaction, load: SymbolLoad) -> SymbolLoad:
    values = load._asdict()
    del values["id"]
    return load._replace(id=tx.value(_add_symbol_load, **values) or 0)


def _typed(load: SymbolLoad) -> SymbolLoad:
    """The load with its lists as records again, which JSON keeps as lists."""
    return load._replace(
        rejected_rows=[RejectedRow(*each) for each in load.rejected_rows],
        renamed=[RenamedSymbol._make(each) for each in load.renamed],
    )
