"""A process that asks for what another one changes.

It asks in a circle until a line comes in, and then prints when it was last told each value: of what
changes one value after the other, the name behind a key, a token, a lot size; and of what ends one
after the other, keys and logins.
"""

import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from time import monotonic

from openalgo_store import (
    Instrument,
    Settings,
    Store,
    Unavailable,
    get_auth_token,
    get_symbol,
    get_user_by_api_key,
    use_store,
)
from openalgo_store.store import current_store
from tests.support.forked import Program
from tests.support.rows import shares
from tests.support.settings import settings_of, urls_of

Questions = dict[str, Callable[[], str | None]]
Told = dict[str, dict[str, float]]
"""By kind the monotonic time of the last question that was answered with each value."""
NAMED_KEY = "the key of who is renamed"
KINDS = ("a rename", "a token saved", "a key revoked", "a logout", "a symbol loaded")
TOKEN_KEY = "Yd0bC0Yw7zqz3kTqk0Hq3m0R6c3m5n1o1J2l6Yk3Zx0="


def settings_for(settings: Settings) -> Settings:
    """The settings of every process, with the default lease."""
    return replace(settings, api_key_pepper="p" * 40, token_encryption_keys=TOKEN_KEY)


def one_share(lot_size: int) -> list[Instrument]:
    """A master of one share."""
    return [each._replace(lot_size=lot_size) for each in shares(1)]


def key_number(number: int) -> str:
    """One of the keys that are revoked in turn."""
    return f"the key that is revoked as number {number}"


def broker_number(number: int) -> str:
    """One of the brokers at which the user is logged out in turn."""
    return f"broker {number}"


def ask(busy: str) -> None:
    """Ask for everything in turn, beside so many threads that are busy."""
    stop = threading.Event()
    for _ in range(int(busy)):
        threading.Thread(target=_be_busy, args=(stop,), daemon=True).start()
    threading.Thread(target=_stop_at_a_line, args=(stop,), daemon=True).start()
    told: Told = {kind: {} for kind in KINDS}
    questions = _questions()
    _ask_once(questions, told)
    print("ready", flush=True)
    while not stop.is_set():
        _ask_once(questions, told)
    print(json.dumps(told), flush=True)


def _ask_once(questions: Questions, told: Told) -> None:
    epochs = current_store().epochs
    for kind, question in questions.items():
        asked = monotonic()
        try:
            value = question()
        except Unavailable:  # a backend was ended
            continue
        if value is not None:
            told[kind][value] = asked
        assert kind == "a symbol loaded" or epochs.until > asked, "an old look"


def _stop_at_a_line(stop: threading.Event) -> None:
    sys.stdin.readline()
    stop.set()


def _be_busy(stop: threading.Event) -> None:
    while not stop.is_set():
        sum(range(1000))


def _questions() -> Questions:
    keys, brokers = _in_turn(_is_valid), _in_turn(_is_logged_in)
    return dict(zip(KINDS, (_name, _token, keys, brokers, _lot_size), strict=True))


def _in_turn(holds: Callable[[int], bool]) -> Callable[[], str | None]:
    """Ask about one number until it does not hold any more, and from then on about the next."""
    numbers: Iterator[int] = iter(range(1_000_000))
    current = [next(numbers)]

    def question() -> str | None:
        number = current[0]
        if holds(number):
            return str(number)
        current[0] = next(numbers)
        return None

    return question


def _name() -> str | None:
    user = get_user_by_api_key(NAMED_KEY)
    return user and user.username


def _token() -> str | None:
    token = get_auth_token(1, "zerodha")
    return token and token.access_token


def _is_valid(number: int) -> bool:
    return get_user_by_api_key(key_number(number)) is not None


def _is_logged_in(number: int) -> bool:
    return get_auth_token(1, broker_number(number), only=()) is not None


def _lot_size() -> str | None:
    found = get_symbol("SHARE0", "NSE", "zerodha")
    assert found, "a miss"
    return str(found.lot_size)


def start(settings: Settings, *, busy: int = 0) -> Program:
    """Start a process that asks."""
    return Program(main, urls_of(settings), str(busy))


def main(urls: str, busy: str) -> None:
    """Never outlive the test."""
    signal.alarm(900)
    with Store(settings_for(settings_of(json.loads(urls)))) as store, use_store(store):
        ask(busy)
