"""Broker tokens: sealed wherever they lie, opened in their own place, gone when they expire."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, insert, select, text, update

from openalgo_store import (
    ConfigurationError,
    InvalidInput,
    NotFound,
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
from openalgo_store.tables.accounts import auth_tokens, users
from openalgo_store.values import clock
from tests.support.rows import add_user
from tests.support.waiting import wait_for_a_lock

KEY, ANOTHER_KEY = (Fernet.generate_key().decode() for _ in range(2))
SECRETS = ("access-secret-7351", "refresh-secret-2604", "feed-secret-9917")


@pytest.fixture
def sealing(store: Store) -> Iterator[Store]:
    """A store with a key, which is the current one; asha is user 1, binod user 2."""
    with Store(replace(store.settings, token_encryption_keys=KEY)) as sealing:
        use_store(sealing)
        with get_write_session() as tx:
            add_user(tx, "asha")
            add_user(tx, "binod")
        yield sealing
        use_store(store)


@pytest.fixture
def statements(sealing: Store) -> list[str]:
    """The statements on auth_tokens that the store sends, as they come."""
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if "auth_tokens" in statement:
            seen.append(statement)

    event.listen(sealing.databases["main"].engine, "before_cursor_execute", note)
    return seen


def access_token(user_id: int = 1, broker: str = "zerodha") -> str | None:
    found = get_auth_token(user_id, broker)
    return found.access_token if found else None


def set_clock(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr("openalgo_store.values.clock.now", lambda: moment)
    monkeypatch.setattr("time.time", moment.timestamp)


def change(**columns: Any) -> None:
    """Change every row of auth_tokens behind the store's back."""
    with get_write_session() as tx:
        tx.run(Query.of(update(auth_tokens).values(**columns)))


def test_tokens_come_back_as_they_were_saved(sealing: Store) -> None:
    expiry = datetime(2090, 1, 2, 3, 4, 5, 678901, UTC)
    saved = save_auth_token(1, "zerodha", *SECRETS, expiry, {"client": ["अ", 1.5, None]})
    assert saved[3:6] == SECRETS
    assert (saved.token_expiry, saved.updated_at) == (expiry, None)
    assert saved.auth_data == {"client": ["अ", 1.5, None]}
    assert get_auth_token(1, "zerodha") == saved
    assert list_auth_tokens(1) == [saved]
    with get_read_session() as tx:
        assert get_auth_token(1, "zerodha", tx=tx) == saved


def test_saving_again_replaces_everything_but_the_id_and_the_day_it_began(sealing: Store) -> None:
    first = save_auth_token(1, "zerodha", *SECRETS, None, {"old": True})
    assert access_token() == SECRETS[0]
    second = save_auth_token(1, "zerodha", "new")
    assert (second.id, second.created_at) == (first.id, first.created_at)
    assert second[3:8] == ("new", None, None, None, None)
    assert second.updated_at is not None
    assert second.updated_at >= first.created_at
    assert get_auth_token(1, "zerodha") == second


def test_each_user_has_tokens_of_their_own_at_each_broker(sealing: Store) -> None:
    for user_id in (1, 2):
        for broker in ("zerodha", "angel"):
            save_auth_token(user_id, broker, f"{user_id} at {broker}")
    assert access_token(2, "angel") == "2 at angel"
    assert [each.broker for each in list_auth_tokens(1)] == ["angel", "zerodha"]
    assert get_auth_token(3, "zerodha") is None
    assert get_auth_token(1, "upstox") is None


def test_only_an_active_user_has_tokens(sealing: Store) -> None:
    save_auth_token(1, "zerodha", "open")
    with get_write_session() as tx:
        tx.run(Query.of(update(users).values(is_active=False)))
    assert get_auth_token(1, "zerodha") is None
    assert list_auth_tokens(1) == []
    for user_id in (1, 99):
        with pytest.raises(NotFound, match=f"no active user {user_id}"):
            save_auth_token(user_id, "zerodha", "closed")


def test_revoking_takes_effect_at_once_and_only_once(sealing: Store) -> None:
    save_auth_token(1, "zerodha", "open")
    assert access_token() == "open"
    revoke_auth_token(1, "zerodha")
    assert get_auth_token(1, "zerodha") is None
    with pytest.raises(NotFound, match="user 1 has no tokens"):
        revoke_auth_token(1, "zerodha")


def test_a_cached_token_costs_no_query_and_an_absent_one_is_not_cached(
    sealing: Store, statements: list[str]
) -> None:
    assert access_token() is None
    save_auth_token(1, "zerodha", "open")
    statements.clear()
    assert [access_token() for _ in range(3)] == ["open"] * 3
    assert len(statements) == 1


def test_eight_threads_that_ask_at_once_make_one_query(
    sealing: Store, statements: list[str]
) -> None:
    save_auth_token(1, "zerodha", "open")
    statements.clear()
    together = threading.Barrier(8)
    answers: list[str | None] = []

    def ask() -> None:
        together.wait(30)
        answers.append(access_token())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (answers, len(statements)) == (["open"] * 8, 1)


@pytest.mark.parametrize("moment", ["before_cursor_execute", "after_cursor_execute"])
@pytest.mark.parametrize("change", ["revoked", "replaced"])
def test_a_token_that_ends_while_it_is_read_is_not_given_to_the_next_call(
    sealing: Store, moment: str, change: str
) -> None:
    save_auth_token(1, "zerodha", "old")
    steps = iter([revoke_auth_token if change == "revoked" else save_auth_token])

    def end_it(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if "SELECT" in statement and "auth_tokens" in statement and (step := next(steps, None)):
            arguments = (1, "zerodha", "new")[: 2 if change == "revoked" else 3]
            other = threading.Thread(target=step, args=arguments)
            other.start()
            other.join(30)

    event.listen(sealing.databases["main"].engine, moment, end_it)
    get_auth_token(1, "zerodha")
    assert next(steps, None) is None
    assert access_token() == (None if change == "revoked" else "new")


def test_a_callers_session_neither_reads_nor_fills_the_cache(sealing: Store) -> None:
    save_auth_token(1, "zerodha", "old")
    with get_write_session() as tx:
        save_auth_token(1, "zerodha", "mine", tx=tx)
        seen = get_auth_token(1, "zerodha", tx=tx)
        assert seen is not None
        assert seen.access_token == "mine"
    assert sealing.tokens.stats().size == 0
    assert access_token() == "mine"


def test_what_is_rolled_back_leaves_the_token_valid_and_cached(
    sealing: Store, statements: list[str]
) -> None:
    save_auth_token(1, "zerodha", "open")
    assert access_token() == "open"
    with pytest.raises(ZeroDivisionError), get_write_session() as tx:
        revoke_auth_token(1, "zerodha", tx=tx)
        _ = 1 / 0
    with get_write_session() as tx:
        with pytest.raises(ZeroDivisionError), tx.savepoint():
            save_auth_token(1, "zerodha", "never", tx=tx)
            _ = 1 / 0
    statements.clear()
    assert (access_token(), statements) == ("open", [])


def test_an_expired_token_is_none_from_the_cache_and_from_the_database(
    sealing: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = datetime(2026, 8, 3, 4, 0, tzinfo=UTC)
    set_clock(monkeypatch, start)
    save_auth_token(1, "zerodha", "short", token_expiry=start + timedelta(minutes=5))
    assert access_token() == "short"
    assert sealing.tokens.stats().expires_at == (start + timedelta(minutes=5)).timestamp()
    set_clock(monkeypatch, start + timedelta(seconds=299.999999))
    assert access_token() == "short"
    set_clock(monkeypatch, start + timedelta(minutes=5))
    assert access_token() is None
    with get_read_session() as tx:
        assert get_auth_token(1, "zerodha", tx=tx) is None
    assert [each.access_token for each in list_auth_tokens(1)] == ["short"]


def test_a_cached_token_is_read_again_after_a_day(
    sealing: Store, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = datetime(2026, 8, 3, 4, 0, tzinfo=UTC)
    set_clock(monkeypatch, start)
    save_auth_token(1, "zerodha", "long", token_expiry=start + timedelta(days=30))
    statements.clear()
    for hours, queries in ((0, 1), (23.99, 1), (24, 2)):
        set_clock(monkeypatch, start + timedelta(hours=hours))
        assert access_token() == "long"
        assert len(statements) == queries


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


@pytest.mark.only("postgresql")
def test_a_user_who_is_being_deactivated_gets_no_token_afterwards(sealing: Store) -> None:
    """The other engine lets one writer in at a time."""
    refused: list[NotFound] = []

    def save() -> None:
        try:
            save_auth_token(1, "zerodha", "late")
        except NotFound as error:
            refused.append(error)

    with get_write_session() as tx:
        tx.run(Query.of(update(users).values(is_active=False)))
        saver = threading.Thread(target=save)
        saver.start()
        wait_for_a_lock()
    saver.join(30)
    assert len(refused) == 1
