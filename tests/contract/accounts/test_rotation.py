"""Rotation: every token goes under the newest key, whatever happens meanwhile."""

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select, update

from openalgo_store import (
    ConfigurationError,
    InvalidInput,
    Store,
    get_read_session,
    get_write_session,
    use_store,
)
from openalgo_store.engine.queries import Query
from openalgo_store.repositories.accounts import auth_tokens as repository
from openalgo_store.repositories.accounts.auth_tokens import (
    get_auth_token,
    list_auth_tokens,
    rotate_encryption_keys,
    save_auth_token,
)
from openalgo_store.repositories.accounts.sentinels import check_secrets
from openalgo_store.security.cipher import key_id
from openalgo_store.tables.accounts import auth_tokens
from tests.programs.rotation import start
from tests.support.chance import chance_of
from tests.support.processes import wait_until_ready
from tests.support.rows import add_user
from tests.support.waiting import wait_for_a_lock

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
KEY_IDS = Query.of(select(auth_tokens.c.key_id), str)


@pytest.fixture
def with_keys(store: Store) -> Iterator[Callable[[str], Store]]:
    """A function that makes a store with these keys the current one; asha is user 1."""
    with get_write_session() as tx:
        add_user(tx, "asha")
    opened: list[Store] = []

    def use(keys: str) -> Store:
        opened.append(Store(replace(store.settings, token_encryption_keys=keys)))
        use_store(opened[-1])
        return opened[-1]

    yield use
    for each in opened:
        each.close()
    use_store(store)


def sealed_by() -> Counter[str]:
    """How many rows each key has sealed."""
    with get_read_session() as tx:
        return Counter(tx.all(KEY_IDS))


def save_tokens(count: int, user_id: int = 1) -> dict[str, str]:
    """Tokens at so many brokers, by broker."""
    expected = {f"broker{number}": f"token {user_id}.{number}" for number in range(count)}
    with get_write_session() as tx:
        for broker, token in expected.items():
            save_auth_token(user_id, broker, token, f"r{token}", None, tx=tx)
    return expected


def stored_tokens(user_id: int = 1) -> dict[str, str | None]:
    return {each.broker: each.access_token for each in list_auth_tokens(user_id)}


def test_the_documented_rollout_ends_with_the_old_key_removed(
    with_keys: Callable[[str], Store],
) -> None:
    with_keys(OLD)
    expected = save_tokens(23)
    with_keys(f"{OLD},{NEW}")
    assert rotate_encryption_keys() == 0
    with_keys(f"{NEW},{OLD}")
    assert rotate_encryption_keys(batch_size=5) == 23
    assert rotate_encryption_keys() == 0
    check_secrets(with_keys(NEW))
    assert stored_tokens() == expected
    assert list_auth_tokens(1)[0].refresh_token == "rtoken 1.0"
    with pytest.raises(ConfigurationError, match="no key in TOKEN_ENCRYPTION_KEYS opens this"):
        check_secrets(with_keys(OLD))


def test_a_rotation_changes_the_seal_and_nothing_else(with_keys: Callable[[str], Store]) -> None:
    with_keys(OLD)
    before = save_auth_token(1, "zerodha", "", None, "feed", None, {"a": 1})
    with_keys(f"{NEW},{OLD}")
    assert get_auth_token(1, "zerodha") == before
    rotate_encryption_keys()
    assert get_auth_token(1, "zerodha") == before
    assert sealed_by() == {key_id(NEW): 1}


def test_a_rotation_without_tokens_makes_the_newest_key_the_databases_own(
    with_keys: Callable[[str], Store],
) -> None:
    with_keys(f"{NEW},{OLD}")
    assert rotate_encryption_keys() == 0
    check_secrets(with_keys(NEW))


def test_keys_that_open_nothing_rotate_nothing(with_keys: Callable[[str], Store]) -> None:
    with_keys(OLD)
    save_tokens(3)
    with_keys(NEW)
    with pytest.raises(ConfigurationError, match="no key in TOKEN_ENCRYPTION_KEYS opens"):
        rotate_encryption_keys()
    with pytest.raises(InvalidInput, match="batch_size"):
        rotate_encryption_keys(0)
    assert sealed_by() == {key_id(OLD): 3}


def test_what_cannot_be_opened_is_left_and_told_when_the_rest_is_done(
    with_keys: Callable[[str], Store],
) -> None:
    with_keys(OLD)
    save_tokens(5)
    with get_write_session() as tx:
        damaged = update(auth_tokens).where(auth_tokens.c.broker == "broker1")
        tx.run(Query.of(damaged.values(refresh_token="rubbish")))
    with_keys(f"{NEW},{OLD}")
    with pytest.raises(InvalidInput, match="refresh_token of user 1 at broker1"):
        rotate_encryption_keys(batch_size=2)
    assert sealed_by() == {key_id(NEW): 4, key_id(OLD): 1}
    check_secrets(with_keys(OLD))  # its key is needed still
    with_keys(f"{NEW},{OLD}")
    save_auth_token(1, "broker1", "mended")
    assert rotate_encryption_keys() == 0
    check_secrets(with_keys(NEW))


def test_a_token_that_is_saved_beside_a_rotation_is_not_overwritten(
    with_keys: Callable[[str], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Saved between the reading and the writing of its batch, the first time by an old key."""
    older = with_keys(f"{OLD},{NEW}")
    save_tokens(6)
    newer = with_keys(f"{NEW},{OLD}")
    savers = iter((older, newer))
    reseal = repository._reseal

    def save_beside(row: Any, cipher: Any) -> dict[str, Any]:
        resealed = reseal(row, cipher)
        if row.broker == "broker3" and (saver := next(savers, None)):
            use_store(saver)
            save_auth_token(1, "broker3", f"saved {saver is newer}")
            use_store(newer)
        return resealed

    monkeypatch.setattr(repository, "_reseal", save_beside)
    assert rotate_encryption_keys(batch_size=4) == 5
    assert stored_tokens()["broker3"] == "saved True"
    assert sealed_by() == {key_id(NEW): 6}


def test_a_rotation_forgets_what_was_cached_once_it_is_committed(
    with_keys: Callable[[str], Store],
) -> None:
    with_keys(OLD)
    save_tokens(4)
    both = with_keys(f"{NEW},{OLD}")
    for number in range(4):
        get_auth_token(1, f"broker{number}")
    with pytest.raises(ZeroDivisionError), get_write_session() as tx:
        assert rotate_encryption_keys(batch_size=3, tx=tx) == 4
        _ = 1 / 0
    assert both.tokens.stats().size == 4
    assert sealed_by() == {key_id(OLD): 4}
    check_secrets(with_keys(OLD))
    use_store(both)
    assert rotate_encryption_keys(batch_size=3) == 4
    assert both.tokens.stats().size == 0


@pytest.mark.only("postgresql")
def test_a_rotation_does_all_others_before_it_waits_for_a_token_that_is_held(
    with_keys: Callable[[str], Store],
) -> None:
    """The other engine lets one writer in at a time."""
    with_keys(f"{OLD},{NEW}")
    save_tokens(4)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with get_write_session() as tx:
            save_auth_token(1, "broker2", "held", tx=tx)
            held.set()
            done.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(30)
    with_keys(f"{NEW},{OLD}")
    rotation = threading.Thread(target=rotate_encryption_keys)
    rotation.start()
    wait_for_a_lock()
    assert sealed_by() == {key_id(NEW): 3, key_id(OLD): 1}
    done.set()
    for thread in (holder, rotation):
        thread.join(30)
    assert sealed_by() == {key_id(NEW): 4}
    assert stored_tokens()["broker2"] == "held"


def test_two_rotations_at_once_share_the_work(with_keys: Callable[[str], Store]) -> None:
    with_keys(OLD)
    expected = save_tokens(60)
    with_keys(f"{NEW},{OLD}")
    counts: list[int] = []
    threads = [
        threading.Thread(target=lambda: counts.append(rotate_encryption_keys(batch_size=7)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 60
    with_keys(NEW)
    assert stored_tokens() == expected


def test_a_killed_rotation_loses_no_token_and_goes_on(
    with_keys: Callable[[str], Store], soak: Callable[[int], int]
) -> None:
    """SIGKILL at random moments while readers that know both keys read every token."""
    moments = chance_of("kills of a rotation")
    with_keys(OLD)
    tokens, each_user = soak(4_000), 50
    with get_write_session() as tx:
        for number in range(2, tokens // each_user + 1):
            add_user(tx, f"user{number}")
    expected = {user: save_tokens(each_user, user) for user in range(1, tokens // each_user + 1)}
    store = with_keys(f"{NEW},{OLD}")
    kills, halfway = 0, 0
    with reading_all(expected):
        while kills < soak(20) or not halfway:
            rotation = start("rotate_for_ever", store.settings, NEW, OLD)
            wait_until_ready(rotation)
            time.sleep(moments.uniform(0.02, 1.0))  # the random moment: nothing is waited for
            rotation.kill()
            _, errors = rotation.communicate()
            assert rotation.returncode == -signal.SIGKILL, errors
            kills += 1
            halfway += len(sealed_by()) == 2
        left = sealed_by()[key_id(OLD)]
        assert rotate_encryption_keys() == left
    assert sealed_by() == {key_id(NEW): tokens}
    check_secrets(with_keys(NEW))
    for user, of_user in expected.items():
        assert stored_tokens(user) == of_user


@contextmanager
def reading_all(expected: dict[int, dict[str, str]]) -> Iterator[None]:
    """Two threads read tokens at random meanwhile, one through the cache; all must be as expected.

    expected is by user and broker.
    """
    ended = threading.Event()
    reads = Counter[bool]()

    def read(cached: bool) -> None:
        places = chance_of(f"reads, cached: {cached}")
        while not ended.is_set():
            user = places.randrange(len(expected)) + 1
            broker = places.choice(list(expected[user]))
            if cached:
                found = get_auth_token(user, broker)
            else:
                with get_read_session() as tx:
                    found = get_auth_token(user, broker, tx=tx)
            assert found is not None
            assert found.access_token == expected[user][broker]
            reads[cached] += 1

    with ThreadPoolExecutor(2) as threads:
        readers = [threads.submit(read, cached) for cached in (True, False)]
        try:
            yield
        finally:
            ended.set()
        for reader in readers:
            reader.result()
    assert min(reads[True], reads[False]) > 10
