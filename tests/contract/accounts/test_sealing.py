"""Sealed tokens: unreadable wherever they lie, opened in their own place, and whole again."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select, text, update

from openalgo_store import (
    ConfigurationError,
    InvalidInput,
    Store,
    get_read_session,
    get_write_session,
    use_store,
)
from openalgo_store.engine.queries import Query
from openalgo_store.repositories.accounts.auth_tokens import (
    get_auth_token,
    list_auth_tokens,
    revoke_auth_token,
    rotate_encryption_keys,
    save_auth_token,
)
from openalgo_store.security.cipher import key_id
from openalgo_store.tables.accounts import auth_tokens
from openalgo_store.values import clock
from tests.contract.accounts.conftest import KEY, access_token

ANOTHER_KEY = Fernet.generate_key().decode()
SECRETS = ("access-secret-7351", "refresh-secret-2604", "feed-secret-9917")


def change(**columns: Any) -> None:
    """Change every row of auth_tokens behind the store's back."""
    with get_write_session() as tx:
        tx.run(Query.of(update(auth_tokens).values(**columns)))


@pytest.mark.parametrize("elsewhere", ["user", "broker", "column"])
def test_a_value_that_was_copied_elsewhere_does_not_open(sealing: Store, elsewhere: str) -> None:
    save_auth_token(1, "zerodha", *SECRETS)
    with get_write_session() as tx:
        row = tx.connection.execute(select(auth_tokens)).mappings().one()
        copy: dict[str, Any] = {name: row[name] for name in row if name != "id"}
        if elsewhere == "column":
            tx.run(Query.of(update(auth_tokens).values(access_token=copy["refresh_token"])))
        else:
            copy |= {"user_id": 2} if elsewhere == "user" else {"broker": "angel"}
            tx.run(Query.of(insert(auth_tokens).values(**copy)))
    user_id, broker = {"user": (2, "zerodha"), "broker": (1, "angel")}.get(
        elsewhere, (1, "zerodha")
    )
    with pytest.raises(InvalidInput, match="damaged or was moved here"):
        get_auth_token(user_id, broker)
    save_auth_token(user_id, broker, "mended")
    assert access_token(user_id, broker) == "mended"


def test_a_damaged_value_says_so_without_showing_it(sealing: Store) -> None:
    save_auth_token(1, "zerodha", "open")
    change(access_token="rubbish-0815")
    with pytest.raises(InvalidInput, match="save it again") as raised:
        get_auth_token(1, "zerodha")
    assert "rubbish" not in str(raised.value)


def test_an_unknown_key_is_named_and_what_it_sealed_is_not_cached(sealing: Store) -> None:
    save_auth_token(1, "zerodha", "open")
    both = replace(sealing.settings, token_encryption_keys=f"{ANOTHER_KEY},{KEY}")
    with Store(both) as other:
        use_store(other)
        save_auth_token(1, "zerodha", "by the other key")
        use_store(sealing)
        with pytest.raises(ConfigurationError, match=f"lacks the key {key_id(ANOTHER_KEY)}"):
            get_auth_token(1, "zerodha")
        with pytest.raises(ConfigurationError, match=f"lacks the key {key_id(ANOTHER_KEY)}"):
            list_auth_tokens(1)
    with Store(replace(both, token_encryption_keys=f"{KEY},{ANOTHER_KEY}")) as mender:
        use_store(mender)
        assert rotate_encryption_keys() == 1
    use_store(sealing)
    assert access_token() == "by the other key"


def test_neither_a_repr_nor_an_error_nor_the_cache_shows_a_token(sealing: Store) -> None:
    saved = save_auth_token(1, "zerodha", *SECRETS)
    assert get_auth_token(1, "zerodha") == saved
    shown = [repr(saved), str(saved), f"{saved}", repr([saved]), repr(sealing.tokens._entries)]
    for wrong in ({"broker": "b" * 51}, {"auth_data": {1: 2}}, {"token_expiry": "tomorrow"}):
        values: dict[str, Any] = {"user_id": 1, "broker": "zerodha"} | wrong
        with pytest.raises(InvalidInput) as raised:
            save_auth_token(access_token=SECRETS[0], **values)
        shown.append(f"{raised.value!r} {raised.value.__cause__!r}")
    for secret in SECRETS:
        assert not [each for each in shown if secret in each]


def test_no_token_can_be_read_in_the_stored_bytes(
    sealing: Store, engine_name: str, tmp_path: Path
) -> None:
    save_auth_token(1, "zerodha", *SECRETS, auth_data={"client": "seen"})
    save_auth_token(1, "zerodha", *SECRETS[::-1], auth_data={"client": "seen"})
    revoke_auth_token(1, "zerodha")
    save_auth_token(2, "zerodha", *SECRETS, auth_data={"client": "seen"})
    dump = dump_of(sealing, engine_name, tmp_path)
    assert b"seen" in dump
    for secret in (*SECRETS, KEY):
        assert secret.encode() not in dump


def dump_of(store: Store, engine_name: str, folder: Path) -> bytes:
    """Every byte of the files of SQLite, every row of the tables of PostgreSQL as text."""
    if engine_name == "sqlite":
        store.close()  # which moves the write-ahead log into the file
        return b"".join(each.read_bytes() for each in folder.glob("*.db*"))
    names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    with get_read_session() as tx:
        tables = tx.connection.scalars(text(names)).all()
        rows = [tx.connection.scalars(text(f"SELECT t::text FROM {each} t")) for each in tables]
        return "\n".join(row for table in rows for row in table).encode()


def is_no_number_alone(value: Any) -> bool:
    """What auth_data may be."""
    return isinstance(value, bool) or not isinstance(value, (int, float))


STORABLE = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | STORABLE,
    lambda inner: st.lists(inner) | st.dictionaries(STORABLE, inner),
    max_leaves=10,
)  # fmt: skip


@given(STORABLE, STORABLE, STORABLE | st.none(), JSON.filter(is_no_number_alone))
def test_any_storable_text_and_json_comes_back_the_same(
    sealing: Store, access: str, refresh: str, feed: str | None, data: Any
) -> None:
    saved = save_auth_token(1, "zerodha", access, refresh, feed, None, data)
    assert saved[3:8] == (access, refresh, feed, None, data)
    assert repr(saved.auth_data) == repr(data)  # 0.0 is not -0.0, and 1 is not True
    assert get_auth_token(1, "zerodha") == saved


@pytest.mark.parametrize("odd", ["", "'\"\\%s:x", "\u202eright to left\u200f", "😀é", " \n\t"])
def test_odd_and_long_tokens_come_back_the_same(sealing: Store, odd: str) -> None:
    long = (odd or "x") * (100_000 // len(odd or "x"))
    data = {odd[:4]: odd[:4] * 25_000}  # JSON is stored in clear: the tokens are not in it
    saved = save_auth_token(1, "zerodha", odd, long, None, None, data)
    assert saved[3:8] == (odd, long, None, None, data)
    assert get_auth_token(1, "zerodha") == saved


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"access_token": "a\0b"}, "NUL"),
        ({"refresh_token": "a\ud800b"}, "lone surrogate"),
        ({"feed_token": 5}, "feed_token must be text, not int"),
        ({"access_token": None}, "access_token is needed"),
        ({"broker": "a\0b"}, "NUL"),
        ({"broker": "b" * 51}, "51 characters where the column holds 50"),
        ({"auth_data": {"deep": [{"a\0b": 1}]}}, "NUL"),
        ({"auth_data": [["\udfff"]]}, "lone surrogate"),
        ({"auth_data": {"deep": [float("nan")]}}, "NaN"),
        ({"token_expiry": clock.now().replace(tzinfo=None)}, "no time zone"),
    ],
)
def test_what_no_engine_can_hold_is_refused_in_the_same_words(
    sealing: Store, wrong: dict[str, Any], message: str
) -> None:
    values: dict[str, Any] = {"user_id": 1, "broker": "zerodha", "access_token": "open"} | wrong
    with pytest.raises(InvalidInput, match=message):
        save_auth_token(**values)
    assert list_auth_tokens(1) == []
