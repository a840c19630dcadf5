"""Users: who may log in. Names are unique without regard to case, and no record has a password."""

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache, partial
from typing import NamedTuple
from unicodedata import normalize

from sqlalchemy import bindparam, update

from ...engine.expected import expect_one
from ...engine.pagination import MOST_ROWS, row_limit
from ...engine.queries import Query
from ...engine.sql_files import SqlFile
from ...engine.transaction import Transaction
from ...errors import Conflict, InvalidInput, NotFound
from ...records.accounts import User
from ...security.passwords import hash_password, is_outdated, verify_password
from ...sessions import one_statement, reading, writing
from ...store import Store, current_store
from ...tables.accounts import api_keys, auth_tokens, users
from ...tables.types import PlainText, Whole
from ...values import clock
from ..announcing import ACCOUNTS, TOKENS, announce
from ..shapes import changed, new_values

_CHANGEABLE = {"username", "email", "password_hash"}
_ARGON2 = "$argon2"
_TAKEN = {"uq_users_username_key": "username", "uq_users_email_key": "e-mail address"}

_log = logging.getLogger("openalgo_store")


class _Login(NamedTuple):
    """A User with the hash of the password, which its repr does not show."""

    id: int
    username: str
    email: str
    created_at: datetime
    is_active: bool
    password_hash: str

    def __repr__(self) -> str:
        return f"_Login(id={self.id})"


_sql = SqlFile("accounts/users.sql", users, api_keys, auth_tokens)
_add_user = _sql.query("add_user", User)
_get_login = _sql.query("get_login", _Login)
_replace_password_hash = _sql.command("replace_password_hash", outdated_hash=PlainText())
_get_user = _sql.query("get_user", User)
_get_user_by_username = _sql.query("get_user_by_username", User)
_get_user_by_email = _sql.query("get_user_by_email", User)
_list_users = _sql.query("list_users", User, after=Whole(), row_limit=Whole())
_lock_active_user = _sql.query("lock_active_user", int)
_set_user_active = _sql.command("set_user_active")
_end_api_keys = _sql.command("end_api_keys")
_end_auth_tokens = _sql.command("end_auth_tokens")


@cache
def _update_user(columns: frozenset[str]) -> Query[User]:
    """UPDATE of these columns of the user `user_id`."""
    this = users.c.id == bindparam("user_id", type_=Whole)
    returned = (users.c[name] for name in User._fields)
    values = changed(users, columns)
    return Query.of(update(users).where(this).values(values).returning(*returned), User)


def create_user(
    username: str, email: str, password_hash: str, *, tx: Transaction | None = None
) -> User:
    """A new user; password_hash is hash_password(password).

    Raises Conflict for a username or e-mail address that is taken, by a deactivated user too;
    InvalidInput for one that is empty or has blanks around it, and for an address without an @.
    """
    row = _row({"username": username, "email": email, "password_hash": password_hash})
    with writing("main", tx) as tx, _naming_the_taken_column():
        return expect_one(tx, _add_user, created_at=clock.now(), is_active=True, **row)


def authenticate_user(
    username: str, password: str, *, tx: Transaction | None = None
) -> User | None:
    """The active user with this name and password, or None.

    None takes the same time whether the name is unknown, deactivated or has another password.
    A hash made with outdated parameters is replaced on the way.
    """
    if username is None:  # a request without one
        return None
    with one_statement("main", tx, primary=True) as session:
        login = session.one(_get_login, username_key=_folded(username))
    stand_in = _stand_in_hash()  # before it is known who is there: the first call takes longer
    if login is None or not login.is_active:
        verify_password(password, stand_in)
        return None
    if not verify_password(password, login.password_hash):
        return None
    if is_outdated(login.password_hash):
        _renew_hash(login, password, tx)
    return User(*login[:-1])


def get_user(user_id: int, *, tx: Transaction | None = None) -> User | None:
    """The user with this id, deactivated or not, or None."""
    with one_statement("main", tx, primary=True) as tx:
        return tx.one(_get_user, user_id=user_id)


def get_user_by_username(username: str, *, tx: Transaction | None = None) -> User | None:
    """The user with this name in any case, deactivated or not, or None."""
    if username is None:
        return None
    with one_statement("main", tx, primary=True) as tx:
        return tx.one(_get_user_by_username, username_key=_folded(username))


def get_user_by_email(email: str, *, tx: Transaction | None = None) -> User | None:
    """The user with this e-mail address in any case, deactivated or not, or None."""
    if email is None:
        return None
    with one_statement("main", tx, primary=True) as tx:
        return tx.one(_get_user_by_email, email_key=_folded(email))


def list_users(
    *, after: int = 0, limit: int = MOST_ROWS, tx: Transaction | None = None
) -> list[User]:
    """Users, deactivated ones too, oldest first.

    At most `limit`, up to 1,000: read on with the id of the last one as `after`, until none comes.
    """
    most = row_limit("limit", limit)
    with reading("main", tx, primary=True) as tx:
        return tx.all(_list_users, after=after, row_limit=most)


def update_user(user_id: int, *, tx: Transaction | None = None, **changes: str) -> User:
    """Change username, email or password_hash, and nothing else; the user as it is now.

    Raises NotFound; InvalidInput for another column; what create_user raises.
    """
    store = current_store()
    row = _row(changes)
    with writing("main", tx) as tx, _naming_the_taken_column():
        user = tx.one(_update_user(frozenset(row)), user_id=user_id, **new_values(row))
        if user is None:
            raise NotFound(f"there is no user {user_id}")
        _forget_keys(store, user_id, tx)
    return user


def delete_user(user_id: int, *, tx: Transaction | None = None) -> None:
    """Deactivate a user and end the API keys and broker tokens for good; NotFound without one.

    The row stays, and its names stay taken. Deleting again does no harm.
    """
    store = current_store()
    with writing("main", tx) as tx:
        _set_active(tx, user_id, is_active=False)
        tx.run(_end_api_keys, user_id=user_id, is_active=False)
        tx.run(_end_auth_tokens, user_id=user_id)
        _forget_keys(store, user_id, tx)
        announce(
            tx,
            TOKENS,
            partial(store.tokens.forget_where, lambda token: token.user_id == user_id),
        )


def reactivate_user(user_id: int, *, tx: Transaction | None = None) -> None:
    """Let a deactivated user log in again; keys and tokens stay dead. NotFound without one."""
    with writing("main", tx) as tx:
        _set_active(tx, user_id, is_active=True)


def lock_active_user(user_id: int, tx: Transaction) -> None:
    """Nobody deactivates this user until the session ends; NotFound without an active one."""
    if tx.value(_lock_active_user, user_id=user_id) is None:
        raise NotFound(f"there is no active user {user_id}")


def _forget_keys(store: Store, user_id: int, tx: Transaction) -> None:
    """What the user's keys stand for is read anew once this is committed, or may be."""
    announce(tx, ACCOUNTS, partial(store.api_keys.forget_where, lambda key: key.user.id == user_id))


def _set_active(tx: Transaction, user_id: int, *, is_active: bool) -> None:
    if not tx.run(_set_user_active, user_id=user_id, is_active=is_active):
        raise NotFound(f"there is no user {user_id}")


def _row(changes: dict[str, str]) -> dict[str, str]:
    """The columns to write for these changes, each name with its key; InvalidInput for a bad one.

    How long a text may be, and what it may hold, its column knows.
    """
    unknown = sorted(changes.keys() - _CHANGEABLE)
    if unknown or not changes:
        raise InvalidInput(
            f"update_user cannot change {', '.join(unknown) or 'nothing'}: it takes username, "
            "email and password_hash, which is hash_password(password)"
        )
    row = dict(changes)
    for column in ("username", "email"):
        if column in changes:
            row[f"{column}_key"] = _folded(name := changes[column])
            if not name.strip():
                raise InvalidInput(f"the {column} is empty: give one")
            if name != name.strip():
                raise InvalidInput(f"the {column} has blanks before or after it: remove them")
    if "@" not in row.get("email", "@"):
        raise InvalidInput("the email has no @: give the whole address")
    password_hash = row.get("password_hash", _ARGON2)
    if not isinstance(password_hash, str) or not password_hash.startswith(_ARGON2):
        raise InvalidInput("password_hash is no Argon2 hash: pass hash_password(password)")
    return row


def _folded(name: str) -> str:
    """What a name is unique by: compatible characters, and upper and lower case, are one."""
    if not isinstance(name, str):
        raise InvalidInput(f"text is needed, not {type(name).__name__}")
    return normalize("NFKC", normalize("NFKC", name).casefold())


@contextmanager
def _naming_the_taken_column() -> Iterator[None]:
    try:
        yield
    except Conflict as error:
        taken = _TAKEN.get(error.constraint or "")
        if taken is None:
            raise
        raise Conflict(
            f"this {taken} is taken (case does not count, deactivated users do): choose another",
            error.constraint,
        ) from error.__cause__


@cache
def _stand_in_hash() -> str:
    """The hash of a password that nobody has, checked where there is no user to check."""
    return hash_password(secrets.token_urlsafe())


def _renew_hash(login: _Login, password: str, tx: Transaction | None) -> None:
    """Store the password under today's parameters, unless it was changed meanwhile.

    In a write of its own, or a savepoint of the caller's. The login stands even if this fails.
    """
    try:
        renewed = hash_password(password)
        own = writing("main") if tx is None or tx.readonly else tx.savepoint()
        with own as session:
            session.run(
                _replace_password_hash,
                user_id=login.id,
                password_hash=renewed,
                outdated_hash=login.password_hash,
            )
    except Exception as error:
        _log.warning("the outdated password hash of user %d stays: %s", login.id, error)
