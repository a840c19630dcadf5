"""A process that forks with full caches."""

import json
import os
import signal
from dataclasses import replace
from math import inf

from cryptography.fernet import Fernet

from openalgo_store import (
    Settings,
    Store,
    create_api_key,
    create_user,
    get_auth_token,
    get_symbol_token,
    get_user_by_api_key,
    hash_password,
    replace_symbols,
    revoke_api_key,
    save_auth_token,
    search_symbols,
    use_store,
)
from tests.support.forked import Program
from tests.support.rows import shares
from tests.support.settings import settings_of, urls_of


def start(settings: Settings) -> Program:
    """Start the program."""
    return Program(main, urls_of(settings))


def answers() -> dict[str, object]:
    """What every cache keeps."""
    token = get_auth_token(1, "zerodha")
    return {
        "first key": get_user_by_api_key("first") is not None,
        "second key": get_user_by_api_key("second") is not None,
        "token": token and token.access_token,
        "symbol": get_symbol_token("SHARE1", "NSE", "zerodha"),
        "search": [each.token for each in search_symbols("share1", "zerodha")],
    }


def main(urls: str) -> None:
    """Fork, change everything in the parent, and print what the child answers afterwards."""
    signal.alarm(100)  # never outlive the test
    key = Fernet.generate_key().decode()
    settings = settings_of(json.loads(urls))
    with Store(replace(settings, api_key_pepper="p" * 40, token_encryption_keys=key)) as store:
        use_store(store)
        create_user("asha", "asha@example.org", hash_password("correct horse"))
        first = create_api_key(1, generate=lambda: "first")
        save_auth_token(1, "zerodha", "A")
        replace_symbols(shares(3, token="A"), "zerodha")
        before = answers()
        store.epochs.until = store.epochs.serving_until = inf  # whoever keeps this looks no more
        changed, change = os.pipe()
        child = os.fork()
        if child == 0:
            os.read(changed, 1)
            print(json.dumps({"before": before, "after": answers()}), flush=True)
            os._exit(0)
        revoke_api_key(first.id)
        create_api_key(1, generate=lambda: "second")
        save_auth_token(1, "zerodha", "B")
        replace_symbols(shares(3, token="B"), "zerodha")
        os.write(change, b"x")
        assert os.waitpid(child, 0)[1] == 0
