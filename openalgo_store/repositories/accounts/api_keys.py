"""API keys: issued once, stored as digests, and checked at every request from memory."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from ...background.buffered_writer import BufferedWriter
from ...background.marks import Mark
from ...engine.expected import expect_one
from ...engine.sql_files import SqlFile
from ...engine.transaction import Transaction
from ...errors import NotFound
from ...records import Row
from ...records.accounts import ApiKey, CachedKey, IssuedApiKey, User
from ...security.secrets import new_api_key
from ...sessions import reading, writing
from ...store import Store, current_store
from ...tables.accounts import api_keys, users
from ...tables.types import Whole
from ...values import clock
from ..announcing import ACCOUNTS, announce
from .sentinels import prove_pepper
from .users import lock_active_user

_USES = "api_key_uses"
_USES_APART = 1.0
"""Seconds in which the uses of a key count as one: last_used may be as much too early."""
_VALID_FOR = 10 * 3600.0
_INVALID_FOR = 5 * 60.0
_HINT = 4
"""Last characters of a key that are kept, to tell keys apart."""


class _Owner(NamedTuple):
    """The digest of a key, its id, and its user."""

    api_key: str
    key_id: int
    id: int
    username: str
    email: str
    created_at: datetime
    is_active: bool


_sql = SqlFile("accounts/api_keys.sql", api_keys, users)
_add_api_key = _sql.query("add_api_key", int)
_get_owner = _sql.query("get_owner", _Owner)
_get_newest_owners = _sql.query("get_newest_owners", _Owner, row_limit=Whole())
_list_api_keys = _sql.query("list_api_keys", ApiKey)
_revoke_api_key = _sql.query("revoke_api_key", str)
_set_last_used = _sql.command("set_last_used")


def create_api_key(
    user_id: int,
    name: str | None = None,
    *,
    generate: Callable[[], str] = new_api_key,
    tx: Transaction | None = None,
) -> IssuedApiKey:
    """A new key of an active user; it is shown in the result and nowhere again.

    `generate` makes the key, for tests. Raises NotFound for an unknown or deactivated user.
    """
    store = current_store()
    api_key = generate()
    digest = store.secrets.digest(api_key)
    hint = api_key[-_HINT:]
    with writing("main", tx) as tx:
        prove_pepper(tx)
        lock_active_user(user_id, tx)
        key_id = expect_one(
            tx,
            _add_api_key,
            user_id=user_id,
            api_key=digest,
            name=name,
            created_at=clock.now(),
            is_active=True,
            hint=hint,
        )
        announce(tx, ACCOUNTS, partial(_forget, store, digest))
    return IssuedApiKey(key_id, user_id, name, hint, api_key)


def get_user_by_api_key(api_key: str, *, tx: Transaction | None = None) -> User | None:
    """The active user behind an active key, or None. Cached: a few microseconds.

    Both answers are kept in memory, a valid one for 10 hours and None for 5 minutes; creating,
    revoking and deactivating take effect at once, in other processes within CACHE_LEASE. A caller's
    `tx` is asked instead of the caches, and no use is noted; else last_used tells of it, to the
    second. Raises Unavailable where the database cannot be asked whether what is in memory still
    holds.
    """
    store = current_store()
    if not isinstance(api_key, str):  # a request without one
        return None
    digest = store.secrets.digest(api_key)
    if tx is not None:
        with reading("main", tx, primary=True) as tx:
            owner = tx.one(_get_owner, api_key=digest)
            return _cached(owner).user if owner else None
    store.epochs.renew()
    found = store.api_keys.get(digest)
    if found is None:
        if store.invalid_keys.get(digest):
            return None
        found = store.api_keys.read(digest, lambda: _load(store, digest))
        if found is None:
            return None
    writer = store.writers.get(_USES) or _open_writer(store)  # a closed store opens none
    if (now := time.monotonic()) >= found.noted_from:
        writer.put((found.key_id, clock.now()))
        found.noted_from = now + _USES_APART
    return found.user


def list_api_keys(user_id: int, *, tx: Transaction | None = None) -> list[ApiKey]:
    """The keys of a user, revoked ones too, oldest first."""
    with reading("main", tx, primary=True) as tx:
        return tx.all(_list_api_keys, user_id=user_id)


def revoke_api_key(key_id: int, *, tx: Transaction | None = None) -> None:
    """End a key for good; NotFound if there is none with this id."""
    store = current_store()
    with writing("main", tx) as tx:
        digest = tx.value(_revoke_api_key, id=key_id, is_active=False)
        if digest is None:
            raise NotFound(f"there is no API key {key_id}")
        announce(tx, ACCOUNTS, partial(_forget, store, digest))


def warm_api_key_cache() -> int:
    """Load the most recently used keys into the cache, as many as it holds; how many.

    The one used last goes in last: the cache lets go of its oldest entry first.
    """
    store = current_store()
    store.epochs.renew()
    epoch = store.api_keys.epoch
    expires_at = time.time() + _VALID_FOR
    with reading("main", primary=True) as tx:
        owners = tx.all(_get_newest_owners, row_limit=store.api_keys.size)
    for owner in reversed(owners):
        store.api_keys.keep(owner.api_key, _cached(owner), expires_at, epoch)
    return len(owners)


def _load(store: Store, digest: str) -> tuple[CachedKey, float] | None:
    """What is not there is kept as invalid, unless it came meanwhile."""
    if store.invalid_keys.get(digest):  # another thread has just asked
        return None
    epoch = store.invalid_keys.epoch
    with store.transaction("main", readonly=True, primary=True, single=True) as tx:
        owner = tx.one(_get_owner, api_key=digest)
    if owner is None:
        store.invalid_keys.keep(digest, True, time.time() + _INVALID_FOR, epoch)
        return None
    return _cached(owner), time.time() + _VALID_FOR


def _forget(store: Store, digest: str) -> None:
    """That a key is valid, that it is not, and whichever of them is being read now."""
    store.api_keys.forget([digest])
    store.invalid_keys.forget([digest])


def _cached(owner: _Owner) -> CachedKey:
    return CachedKey(owner.key_id, User(*owner[2:]))


def _open_writer(store: Store) -> BufferedWriter:
    """Uses are written every second, or when very many wait."""
    return store.open_writer(_USES, partial(_write_uses, store), batch_size=50_000)


def _write_uses(store: Store, uses: Sequence[Row], mark: Mark) -> None:
    """The last use of each key; to do so twice changes nothing, so the mark is not needed."""
    latest: dict[int, datetime] = {}
    for key_id, moment in uses:
        latest[key_id] = max(moment, latest.get(key_id, moment))
    rows = [{"id": key_id, "last_used": moment} for key_id, moment in sorted(latest.items())]
    with store.transaction("main", readonly=False, primary=True) as tx:
        tx.many(_set_last_used, rows)
