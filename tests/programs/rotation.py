"""Processes that seal tokens."""

import json
import signal
import sys
from dataclasses import replace

from openalgo_store import ConfigurationError, Settings, Store, use_store
from openalgo_store.repositories.accounts.auth_tokens import rotate_encryption_keys, save_auth_token
from tests.support.forked import Program
from tests.support.settings import settings_of, urls_of


def start(name: str, settings: Settings, *keys: str) -> Program:
    """Start a program."""
    return Program(main, name, urls_of(settings), *keys)


def rotate_for_ever(settings: Settings, one: str, other: str) -> None:
    """Seal everything with one key, then with the other, until the process is killed."""
    both = [
        Store(replace(settings, token_encryption_keys=keys))
        for keys in (f"{one},{other}", f"{other},{one}")
    ]
    print("ready", flush=True)
    while True:
        for store in both:
            use_store(store)
            rotate_encryption_keys(batch_size=50)


def save_at_once(settings: Settings, key: str) -> None:
    """Save a token as soon as the others are ready too."""
    with Store(replace(settings, token_encryption_keys=key)) as store:
        use_store(store)
        print("ready", flush=True)
        sys.stdin.readline()
        try:
            save_auth_token(1, "zerodha", "open")
        except ConfigurationError as error:
            print(json.dumps(str(error)))
        else:
            print(json.dumps("saved"))


def main(name: str, urls: str, *keys: str) -> None:
    """Run one program."""
    signal.alarm(100)  # never outlive the test
    settings = settings_of(json.loads(urls))
    {each.__name__: each for each in (rotate_for_ever, save_at_once)}[name](settings, *keys)
