"""Announcing a change of what other processes may keep in memory."""

from collections.abc import Callable
from functools import partial

from ..caching.epochs import ACCOUNTS, SYMBOLS, TOKENS
from ..engine.expected import expect_one
from ..engine.sql_files import SqlFile
from ..engine.transaction import Transaction
from ..store import Store, current_store
from ..tables.cache_epochs import cache_epochs

__all__ = ["ACCOUNTS", "SYMBOLS", "TOKENS", "announce"]

_add_epoch = SqlFile("cache_epochs.sql", cache_epochs).query("add_epoch", int)


def announce(
    tx: Transaction,
    topic: str,
    forget: Callable[[], object],
    *,
    unknown: Callable[[], object] | None = None,
    confirm: Callable[[], object] | None = None,
) -> None:
    """Forget here once this is committed, or may be; other processes do so when they look.

    `unknown` is called in place of `forget` where the answer to COMMIT was lost; `confirm` after
    it where a look has taken this change for another process's, and there was none of another.
    """
    tx.after_commit(forget, unknown=unknown or forget)
    tx.before_commit(topic, partial(_count, tx, topic, current_store(), confirm))


def _count(tx: Transaction, topic: str, store: Store, confirm: Callable[[], object] | None) -> None:
    """The next epoch, as the last statement: others wait for its row until the commit."""
    epoch = expect_one(tx, _add_epoch, topic=topic)
    tx.after_commit(partial(store.epochs.follow, topic, epoch, confirm))
