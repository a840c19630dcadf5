"""Broker tokens: sealed in the database and in the cache, opened for each caller."""

import time
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any, get_args

from sqlalchemy import ColumnElement, select

from ...engine.expected import expect_one
from ...engine.sql_files import SqlFile
from ...engine.transaction import Transaction
from ...errors import InvalidInput, NotFound, StoreError
from ...records.accounts import AuthToken, SealedToken, TokenName
from ...security.cipher import TokenCipher
from ...sessions import one_statement, reading, writing
from ...store import current_store
from ...tables.accounts import auth_tokens
from ...tables.types import Whole
from ...values import clock
from ...values.arguments import iterated, one_or_more
from ...values.json import copied
from ...values.numbers import check_whole
from ...values.text import check_text, require_text
from ..announcing import TOKENS, announce
from .sentinels import prove_cipher, renew_cipher_proof
from .users import lock_active_user

_VALID_FOR = timedelta(hours=24)
_TOKENS: tuple[TokenName, ...] = get_args(TokenName)

_sql = SqlFile("accounts/auth_tokens.sql", auth_tokens)
_save_auth_token = _sql.query("save_auth_token", SealedToken)
_get_auth_token = _sql.query("get_auth_token", SealedToken)
_list_auth_tokens = _sql.query("list_auth_tokens", SealedToken)
_revoke_auth_token = _sql.command("revoke_auth_token")
_get_tokens_of_older_keys = _sql.query(
    "get_tokens_of_older_keys",
    SealedToken,
    after=Whole(),
    newest=auth_tokens.c.key_id.type,
    batch_size=Whole(),
)
_all = (
    select(*(auth_tokens.c[name] for name in SealedToken._fields))
    .order_by(auth_tokens.c.id)
    .execution_options(yield_per=1_000)
)
_before = auth_tokens.c.access_token.type
_reseal_auth_token = _sql.command("reseal_auth_token", before=_before)
_reseal_free_auth_token = _sql.command("reseal_free_auth_token", before=_before)


def save_auth_token(
    user_id: int,
    broker: str,
    access_token: str,
    refresh_token: str | None = None,
    feed_token: str | None = None,
    token_expiry: datetime | None = None,
    auth_data: Any = None,
    *,
    tx: Transaction | None = None,
) -> AuthToken:
    """Keep the tokens of a user at a broker, in place of those before.

    The three tokens are encrypted; auth_data is JSON in clear: put no secret there.
    Raises NotFound for an unknown or deactivated user.
    """
    store = current_store()
    cipher = store.secrets.cipher
    if access_token is None:
        raise InvalidInput("access_token is needed: revoke_auth_token removes tokens")
    user_id, broker = check_whole(user_id), require_text("broker", broker)
    sealed = _seal(cipher, user_id, broker, (access_token, refresh_token, feed_token))
    with writing("main", tx) as tx:
        lock_active_user(user_id, tx)
        prove_cipher(tx)
        saved = expect_one(
            tx,
            _save_auth_token,
            user_id=user_id,
            broker=broker,
            **sealed,
            token_expiry=token_expiry,
            auth_data=auth_data,
            created_at=clock.now(),
            key_id=cipher.newest,
        )
        announce(tx, TOKENS, partial(store.tokens.forget, [_key(user_id, broker)]))
    return _open(saved, cipher)


def get_auth_token(
    user_id: int,
    broker: str,
    *,
    only: Iterable[TokenName] = _TOKENS,
    tx: Transaction | None = None,
) -> AuthToken | None:
    """The tokens of an active user at a broker, or None when there are none or they have expired.

    Cached, sealed, for 24 hours or until token_expiry; what another process changes counts within
    CACHE_LEASE, and where the database cannot be asked that is Unavailable. A caller's `tx` is
    asked instead.
    Decrypting is what a cached read costs: with `only=("access_token",)` that token alone is
    decrypted, and the others are None in the record, stored or not. InvalidInput for another name.
    """
    names = tuple(iterated("only", only))
    if not all(isinstance(name, str) and name in _TOKENS for name in names):
        raise InvalidInput(f"only takes some of {', '.join(_TOKENS)}, as in only=('access_token',)")
    store = current_store()
    cipher = store.secrets.cipher
    if tx is not None:
        sealed = _read(user_id, broker, tx)
        return _open(sealed, cipher, names) if sealed else None
    key = _key(user_id, broker)

    def load() -> tuple[SealedToken, float] | None:
        """What opens, and until when: what does not is not kept, it may be mended elsewhere."""
        sealed = _read(user_id, broker, None)
        if sealed is None:
            return None
        _open(sealed, cipher)
        return sealed, _kept_until(sealed)

    store.epochs.renew()
    sealed = store.tokens.get(key) or store.tokens.read(key, load)
    return _open(sealed, cipher, names) if sealed else None


def list_auth_tokens(user_id: int, *, tx: Transaction | None = None) -> list[AuthToken]:
    """The tokens of an active user at every broker, by its name; expired ones too."""
    cipher = current_store().secrets.cipher
    with reading("main", tx, primary=True) as tx:
        return [_open(each, cipher) for each in tx.all(_list_auth_tokens, user_id=user_id)]


def revoke_auth_token(user_id: int, broker: str, *, tx: Transaction | None = None) -> None:
    """Remove the tokens of a user at a broker; NotFound if there are none."""
    store = current_store()
    with writing("main", tx) as tx:
        if not tx.run(_revoke_auth_token, user_id=user_id, broker=broker):
            raise NotFound(f"user {user_id} has no tokens of this broker")
        announce(tx, TOKENS, partial(store.tokens.forget, [_key(user_id, broker)]))


def rotate_encryption_keys(batch_size: int = 500, *, tx: Transaction | None = None) -> int:
    """Seal every token with the newest of TOKEN_ENCRYPTION_KEYS; how many were not.

    Each batch is a transaction of its own, so that a rotation which was interrupted goes on when
    it is called again; tokens may be read and saved meanwhile. When it returns the older keys can
    be removed. What cannot be opened is left and raised at the end. With `tx` all is one session.
    """
    batch_size = one_or_more("batch_size", batch_size)
    cipher = current_store().secrets.cipher
    with writing("main", tx) as session:
        prove_cipher(session)
    rotated = 0
    while True:
        done, found, errors = _rotate_once(cipher, batch_size, tx)
        rotated += done
        if found == len(errors):
            break
        batch_size = 1  # what was held or saved meanwhile: one by one, so as to wait for each
    if errors:
        raise errors[0]
    with writing("main", tx) as session:
        renew_cipher_proof(session)
    return rotated


def find_closed_tokens(
    tx: Transaction, sound: ColumnElement[bool] | None = None
) -> Iterator[tuple[int, str]]:
    """The id of each row that TOKEN_ENCRYPTION_KEYS do not open, and the reason.

    `sound` is true of the rows that can be read; None where all can.
    """
    cipher = current_store().secrets.cipher
    rows = _all if sound is None else _all.where(sound)
    for row in map(SealedToken._make, tx.connection.execute(rows)):
        try:
            _open(row, cipher)
        except StoreError as error:
            yield row.id, str(error)


def _rotate_once(
    cipher: TokenCipher, batch_size: int, tx: Transaction | None
) -> tuple[int, int, list[StoreError]]:
    """One pass over the table: how many rows were sealed anew, how many found, what went wrong.

    A batch passes over rows that others hold; a single row is waited for.
    """
    reseal = _reseal_auth_token if batch_size == 1 else _reseal_free_auth_token
    tokens = current_store().tokens
    done = found = after = 0
    errors: list[StoreError] = []
    while batch := _next_batch(cipher.newest, after, batch_size, tx):
        found += len(batch)
        after = batch[-1].id
        resealed = []
        for row in batch:
            try:
                resealed.append(_reseal(row, cipher))
            except StoreError as error:
                errors.append(error)
        keys = [_key(row.user_id, row.broker) for row in batch]
        with writing("main", tx) as session:
            done += session.many(reseal, resealed)
            announce(session, TOKENS, partial(tokens.forget, keys))
    return done, found, errors


def _next_batch(
    newest: str, after: int, batch_size: int, tx: Transaction | None
) -> list[SealedToken]:
    with reading("main", tx, primary=True) as tx:
        return tx.all(_get_tokens_of_older_keys, newest=newest, after=after, batch_size=batch_size)


def _reseal(row: SealedToken, cipher: TokenCipher) -> dict[str, Any]:
    opened = _open(row, cipher)
    tokens = (opened.access_token, opened.refresh_token, opened.feed_token)
    sealed = _seal(cipher, row.user_id, row.broker, tokens)
    return sealed | {"id": row.id, "before": row.access_token, "key_id": cipher.newest}


def _read(user_id: int, broker: str, tx: Transaction | None) -> SealedToken | None:
    """What is stored, unless it has expired."""
    with one_statement("main", tx, primary=True) as tx:
        sealed = tx.one(_get_auth_token, user_id=user_id, broker=broker)
    if sealed and sealed.token_expiry and sealed.token_expiry <= clock.now():
        return None
    return sealed


def _seal(
    cipher: TokenCipher, user_id: int, broker: str, tokens: tuple[str | None, ...]
) -> dict[str, str | None]:
    """The tokens by column, sealed for their place."""
    sealed: dict[str, str | None] = {}
    for column, token in zip(_TOKENS, tokens, strict=True):
        if token is not None and not isinstance(token, str):
            raise InvalidInput(f"{column} must be text, not {type(token).__name__}")
        sealed[column] = (
            None if token is None else cipher.seal(check_text(token), user_id, broker, column)
        )
    return sealed


def _open(
    sealed: SealedToken, cipher: TokenCipher, only: Collection[TokenName] = _TOKENS
) -> AuthToken:
    """The record with these of its tokens decrypted, the others None."""
    access_token, refresh_token, feed_token = (
        None
        if (text := getattr(sealed, column)) is None or column not in only
        else cipher.open(text, sealed.key_id, sealed.user_id, sealed.broker, column)
        for column in _TOKENS
    )
    return AuthToken(
        sealed.id,
        sealed.user_id,
        sealed.broker,
        access_token,
        refresh_token,
        feed_token,
        sealed.token_expiry,
        copied(sealed.auth_data),  # the cached one is nobody's to change
        sealed.created_at,
        sealed.updated_at,
    )


def _kept_until(sealed: SealedToken) -> float:
    """POSIX seconds."""
    end = time.time() + _VALID_FOR.total_seconds()
    return min(end, sealed.token_expiry.timestamp()) if sealed.token_expiry else end


def _key(user_id: int, broker: str) -> str:
    """One for all that the database takes for the same user and broker, as 1 and Decimal(1)."""
    if type(user_id) is not int and user_id is not None:
        user_id = check_whole(user_id)
    if type(broker) is not str and broker is not None:
        broker = str.__str__(require_text("broker", broker))
    return f"{user_id}:{broker}"
