"""Sentinels: what the database keeps to tell whether the secrets of the settings are its own.

Each is made by the first write that needs its secret, in the same transaction.
"""

from collections.abc import Callable
from typing import NamedTuple

from ...engine.sql_files import SqlFile
from ...engine.transaction import Transaction
from ...errors import ConfigurationError, InvalidInput
from ...security.secrets import Secrets
from ...store import Store, current_store
from ...tables.accounts import secret_sentinels
from ...values import clock

_TEXT = "openalgo_store secret sentinel"
_PLACE = (0, "", "proof")
"""Of what is sealed: no user, no broker."""


class _Sentinel(NamedTuple):
    """How a secret proves itself; `name` is that of its setting.

    Both functions raise ConfigurationError for one without use.
    """

    name: str
    make: Callable[[Secrets], str]
    fits: Callable[[Secrets, str], bool]
    misfit: str


_sql = SqlFile("accounts/secret_sentinels.sql", secret_sentinels)
_get_sentinel = _sql.query("get_sentinel", str)
_add_sentinel = _sql.command("add_sentinel")
_renew_sentinel = _sql.command("renew_sentinel")


def prove_pepper(tx: Transaction) -> None:
    """ConfigurationError unless API_KEY_PEPPER is this database's; the first one becomes it."""
    _prove(tx, _PEPPER)


def prove_cipher(tx: Transaction) -> None:
    """ConfigurationError unless one of TOKEN_ENCRYPTION_KEYS is this database's, as above."""
    _prove(tx, _CIPHER)


def renew_cipher_proof(tx: Transaction) -> None:
    """From now on the newest key proves that TOKEN_ENCRYPTION_KEYS are this database's."""
    tx.run(_renew_sentinel, name=_CIPHER.name, proof=_sealed_text(current_store().secrets))


def check_secrets(store: Store, *, may_be_missing: bool = False) -> None:
    """ConfigurationError for a secret that this database was not made with, or that is missing.

    Where the database has no sentinel yet nothing is checked.
    """
    with store.transaction("main", readonly=True, primary=True) as tx:
        for sentinel in (_PEPPER, _CIPHER):
            if may_be_missing and not getattr(store.settings, sentinel.name):
                continue
            if (proof := tx.value(_get_sentinel, name=sentinel.name)) is None:
                continue
            try:
                fits = sentinel.fits(store.secrets, proof)
            except ConfigurationError as error:
                raise ConfigurationError(
                    f"{error}; but this database was made with one before: put that one back"
                ) from None
            if not fits:
                raise ConfigurationError(sentinel.misfit)


def _prove(tx: Transaction, sentinel: _Sentinel) -> None:
    secrets = current_store().secrets
    proof = tx.value(_get_sentinel, name=sentinel.name)
    if proof is None:
        made = sentinel.make(secrets)
        tx.run(_add_sentinel, name=sentinel.name, proof=made, created_at=clock.now())
        proof = tx.value(_get_sentinel, name=sentinel.name)  # another process may have been first
    if not sentinel.fits(secrets, proof or ""):
        raise ConfigurationError(sentinel.misfit)


def _digest(secrets: Secrets) -> str:
    return secrets.digest(_TEXT)


def _sealed_text(secrets: Secrets) -> str:
    return f"{secrets.cipher.newest}:{secrets.cipher.seal(_TEXT, *_PLACE)}"


def _is_digest(secrets: Secrets, proof: str) -> bool:
    return proof == _digest(secrets)


def _opens(secrets: Secrets, proof: str) -> bool:
    cipher = secrets.cipher
    key, _, sealed = proof.partition(":")
    try:
        return cipher.open(sealed, key, *_PLACE) == _TEXT
    except (ConfigurationError, InvalidInput):
        return False


_PEPPER = _Sentinel(
    "api_key_pepper",
    _digest,
    _is_digest,
    "API_KEY_PEPPER is not the one this database was made with: put that one back, "
    "or issue every API key anew",
)
_CIPHER = _Sentinel(
    "token_encryption_keys",
    _sealed_text,
    _opens,
    "no key in TOKEN_ENCRYPTION_KEYS opens this database: add the key it was made with, "
    "behind the others",
)
