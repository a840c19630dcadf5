"""Announcing a change of what other processes may keep in memory."""

from collections.abc import Callable
from functools import partial

from sqlalchemy import select

from ..caching.epochs import ACCOUNTS, SYMBOLS, TOKENS
from ..engine.expected import expect_one
from ..engine.queries import Query
from ..engine.sql_files import SqlFile
from ..engine.transaction import Transaction
from ..store import Store, current_store
from ..tables.cache_epochs import cache_epochs
from ..tables.symbols import symbols

__all__ = ["ACCOUNTS", "SYMBOLS", "TOKENS", "announce", "announce_all"]

_add_epoch = SqlFile("cache_epochs.sql", cache_epochs).query("add_epoch", int)
_get_topics = Query.of(select(cache_epochs.c.topic), str)
_get_brokers = SqlFile("symbols/symbols.sql", symbols).query("get_brokers", str)


def announce(
    tx: Transaction,
    topic: str,
    forget: Callable[[], object],
    *,
    unknown: Callable[[], object] | None = None,
    confirm: Callable[[], object] | None = None,
) -> None:
    """Forget here once this is committed, or may be; other processes do so when they look.

    `unknown` is called in place of `forget` where the answer to COMMIT was lost. With `confirm`,
    `forget` brings what is in memory to what is stored, and a look leaves that to it; `confirm`
    is called after it where a look has come too late, and found no change of another process.
    """
    tx.after_commit(forget, unknown=unknown or forget)
    tx.before_commit(topic, partial(_count, tx, topic, current_store(), confirm))


def announce_all(tx: Transaction) -> None:
    """Everything that a process may keep of this database is another's from now on."""
    with_rows = [f"{SYMBOLS}{broker}" for broker in tx.all(_get_brokers)]
    known = tx.all(_get_topics)
    for topic in sorted({ACCOUNTS, TOKENS, *with_rows, *known}):
        expect_one(tx, _add_epoch, topic=topic)


def _count(tx: Transaction, topic: str, store: Store, confirm: Callable[[], object] | None) -> None:
    """The next epoch, as the last statement: others wait for its row until the commit."""
    epoch = expect_one(tx, _add_epoch, topic=topic)
    if confirm:
        store.epochs.leave(topic, epoch, tx.is_committing)
    tx.after_commit(partial(store.epochs.follow, topic, epoch, confirm))
