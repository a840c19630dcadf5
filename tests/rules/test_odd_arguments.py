"""Every public function with odd values for each argument: an answer, or one error of the store."""

import inspect
import reprlib
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import fields, replace
from datetime import UTC, time
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from cryptography.fernet import Fernet

import openalgo_store
from openalgo_store import (
    ConfigurationError,
    DatabaseLogHandler,
    InvalidInput,
    Store,
    StoreError,
    adjust_position,
    close_databases,
    create_api_key,
    create_strategy,
    get_read_session,
    hash_password,
    queue_telegram_message,
    save_auth_token,
    save_telegram_chat,
    use_store,
)
from openalgo_store.repositories.trading.books import BOOKS
from openalgo_store.security import passwords
from tests.support.arguments import CHANGES, FUNCTIONS, GOOD, needed
from tests.support.odd import ODD
from tests.support.rows import add_order, new_user

NOT_ODD = {"generate", "sources", "layouts"}
"""A function that tests give, and files and layouts, whose oddities tests/instruments knows."""


@pytest.fixture
def filled(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """One row of each kind, so that functions come further than "there is none"."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher.from_parameters(CHEAPEST))
    key = Fernet.generate_key().decode()
    settings = replace(store.settings, api_key_pepper="p" * 40, token_encryption_keys=key)
    with Store(settings) as opened, use_store(opened):
        fill()
        yield opened


def fill() -> None:
    assert new_user() == 1
    create_api_key(1)
    save_auth_token(1, "zerodha", "a token")
    for book in BOOKS:
        add_order(1, "A1", book=book)
        adjust_position(1, "zerodha", "SBIN", "NSE", "CNC", 10, 812.0, "bought before", book=book)
    create_strategy(1, "momentum", "python")
    save_telegram_chat(7, user_id=1)
    openalgo_store.authorize_telegram_chat(7)
    queue_telegram_message(7, "order", "hello")


def calls(function: Callable[..., Any], name: str) -> Iterator[dict[str, Any]]:
    """The arguments of each call: good ones, but for a single odd one."""
    parameters = inspect.signature(function).parameters.values()
    given = needed(name)
    named = [each.name for each in parameters if each.kind is not each.VAR_KEYWORD]
    for parameter in (*named, *CHANGES.get(name, ())):
        if parameter not in NOT_ODD:
            for odd in ODD:
                changed = CHANGES.get(name, {}) if parameter in named else {}
                yield given | changed | {parameter: odd}


@pytest.mark.filterwarnings("ignore:record_trade")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_odd_argument_is_answered_or_is_an_error_of_the_store(filled: Store, name: str) -> None:
    function = getattr(openalgo_store, name)
    for arguments in calls(function, name):
        try:
            found = function(**arguments)
            if isinstance(found, AbstractContextManager) and "session" in name:
                with found:
                    pass
        except StoreError:
            pass
        except Exception as error:
            odd = {key: value for key, value in arguments.items() if GOOD.get(key) is not value}
            call = f"{name}({reprlib.repr(odd)})"
            raise AssertionError(f"{call} raises {type(error).__name__}: {error}") from error
    with get_read_session() as tx:
        assert tx.connection is not None  # and the store goes on


OF_NO_STORE: dict[str, Callable[[Any], object]] = {
    "a function to retry": openalgo_store.retrying,
    "attempts": lambda odd: openalgo_store.retrying(lambda: 1, odd),
    "settings": openalgo_store.init_databases,
    "an environment": openalgo_store.Settings.from_env,
    "a variable": lambda odd: openalgo_store.Settings.from_env({"DATABASE_URL": odd}),
    "a URL": openalgo_store.get_engine_options,
    "settings of a URL": lambda odd: openalgo_store.get_engine_options("sqlite:///x.db", odd),
    "settings of a store": openalgo_store.Store,
    "a store": openalgo_store.use_store,
    "a time to wait": openalgo_store.flush_on_sigterm,
}


@pytest.mark.parametrize("what", OF_NO_STORE)
def test_what_needs_no_store_answers_or_is_an_error_of_the_store_too(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    try:
        for odd in ODD:
            if not (what == "a function to retry" and callable(odd)):
                with suppress(StoreError):
                    OF_NO_STORE[what](odd)
    finally:
        signal.signal(signal.SIGTERM, before)
        close_databases()


@pytest.mark.parametrize("name", [each.name for each in fields(openalgo_store.Settings)])
def test_an_odd_setting_is_refused_by_its_name_or_works(name: str, tmp_path: Path) -> None:
    works = openalgo_store.Settings(database_url=f"sqlite:///{tmp_path}/main.db")
    for odd in (*ODD, time(3, tzinfo=UTC)):
        try:
            settings = replace(works, **{name: odd})
        except ConfigurationError as refused:
            assert str(refused).startswith(name.upper())  # noqa: PT017
        else:
            with suppress(ConfigurationError):
                Store(settings).close()


@pytest.mark.parametrize("name", inspect.signature(DatabaseLogHandler).parameters)
def test_an_odd_argument_of_a_log_handler_is_refused_or_works(name: str) -> None:
    for odd in ODD:
        with suppress(InvalidInput):
            DatabaseLogHandler(**{name: odd}).close()
    no_argument: Any = ["x"]
    with pytest.raises(InvalidInput):
        DatabaseLogHandler(**{name: no_argument})


NO_TEXT: list[Any] = [None, 7, b"asha", ["asha"]]


def test_a_request_without_a_name_a_password_or_a_key_is_nobodys(filled: Store) -> None:
    nobody: Any = None
    assert openalgo_store.authenticate_user(nobody, "a long password") is None
    assert openalgo_store.get_user_by_username(nobody) is None
    assert openalgo_store.get_user_by_email(nobody) is None
    good = GOOD["password_hash"]
    for odd in NO_TEXT:
        assert openalgo_store.get_user_by_api_key(odd) is None
        assert openalgo_store.authenticate_user("asha", odd) is None
        assert not openalgo_store.verify_password(odd, good)
        assert not openalgo_store.verify_password("a long password", odd)
        with pytest.raises(InvalidInput, match="text is needed"):
            hash_password(odd)
