"""Broker tokens: one set for each user and broker, cached, gone when they end or expire."""

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from itertools import combinations
from typing import Any

import pytest
from sqlalchemy import update

from openalgo_store import InvalidInput, NotFound, Store, get_read_session, get_write_session
from openalgo_store.engine.queries import Query
from openalgo_store.records.accounts import TokenName
from openalgo_store.repositories.accounts.auth_tokens import (
    get_auth_token,
    list_auth_tokens,
    revoke_auth_token,
    save_auth_token,
)
from openalgo_store.security.cipher import TokenCipher
from openalgo_store.tables.accounts import auth_tokens, users
from tests.contract.accounts.conftest import access_token
from tests.support.waiting import wait_for_a_lock
from tests.support.watching import watching

SECRETS = ("access-secret-7351", "refresh-secret-2604", "feed-secret-9917")


def set_clock(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr("openalgo_store.values.clock.now", lambda: moment)
    monkeypatch.setattr("time.time", moment.timestamp)


class Broker(str, Enum):  # noqa: UP042
    """As callers name them."""

    ZERODHA = "zerodha"


@pytest.mark.parametrize("user_id", [1, Decimal("1.0"), Decimal(1)])
@pytest.mark.parametrize("broker", ["zerodha", Broker.ZERODHA])
def test_a_token_that_is_gone_is_gone_however_its_user_and_broker_are_written(
    sealing: Store, user_id: Any, broker: str
) -> None:
    spellings: list[tuple[Any, str]] = [(1, "zerodha"), (Decimal("1.0"), Broker.ZERODHA)]
    save_auth_token(1, "zerodha", "OLD")
    assert [access_token(*each) for each in spellings] == ["OLD", "OLD"]
    save_auth_token(user_id, broker, "NEW")
    assert [access_token(*each) for each in spellings] == ["NEW", "NEW"]
    revoke_auth_token(user_id, broker)
    assert [access_token(*each) for each in spellings] == [None, None]


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


def test_a_token_is_decrypted_only_where_it_is_asked_for(
    sealing: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = save_auth_token(1, "zerodha", *SECRETS, None, {"client": "X"})
    opened: list[str] = []
    open_one = TokenCipher.open

    def note(self: TokenCipher, sealed: str, key: str, user: int, broker: str, column: str) -> str:
        opened.append(column)
        return open_one(self, sealed, key, user, broker, column)

    assert get_auth_token(1, "zerodha") == saved
    monkeypatch.setattr(TokenCipher, "open", note)
    names: tuple[TokenName, ...] = ("access_token", "refresh_token", "feed_token")
    for size in range(4):
        for only in combinations(names, size):
            nothing: dict[str, Any] = dict.fromkeys({*names} - {*only})
            with get_read_session() as tx:
                for session in (None, tx):
                    opened.clear()
                    found = get_auth_token(1, "zerodha", only=only, tx=session)
                    assert found == saved._replace(**nothing)
                    assert tuple(opened) == only
    assert get_auth_token(1, "zerodha", only=iter(names[:2])) == saved._replace(feed_token=None)
    odd: list[Any] = ["access_token", ("auth_data",), (None,), [[]], None, 1]
    for bad in odd:
        with pytest.raises(InvalidInput, match="only"):
            get_auth_token(1, "zerodha", only=bad)


def test_what_does_not_open_is_not_cached_whatever_is_asked_for(sealing: Store) -> None:
    save_auth_token(1, "zerodha", *SECRETS)
    with get_write_session() as tx:
        tx.run(Query.of(update(auth_tokens).values(feed_token="rubbish")))
    for _ in range(2):
        with pytest.raises(InvalidInput, match="the stored feed_token of user 1"):
            get_auth_token(1, "zerodha", only=("access_token",))


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


def test_what_a_caller_does_to_auth_data_changes_nobody_elses(sealing: Store) -> None:
    data = {"client": ["A1", {"pin": 7}], "on": True}
    save_auth_token(1, "zerodha", "open", auth_data=data)
    for _ in range(2):  # read, and then from the cache
        found = get_auth_token(1, "zerodha")
        assert found is not None
        assert found.auth_data == data
        found.auth_data["client"][1].clear()
        found.auth_data["client"].append("changed")
        found.auth_data["new"] = True


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("change", ["revoked", "replaced"])
def test_a_token_that_ends_while_it_is_read_is_not_given_to_the_next_call(
    sealing: Store, moment: str, change: str
) -> None:
    save_auth_token(1, "zerodha", "old")
    steps = iter([revoke_auth_token if change == "revoked" else save_auth_token])

    def end_it(sql: str, values: Any) -> None:
        if "SELECT" in sql and "auth_tokens" in sql and (step := next(steps, None)):
            arguments = (1, "zerodha", "new")[: 2 if change == "revoked" else 3]
            other = threading.Thread(target=step, args=arguments)
            other.start()
            other.join(30)

    with watching(sealing, **{moment: end_it}):  # type: ignore[arg-type]
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
