"""openalgo-store api-keys and rotate-keys: who has a key, and tokens under a new one."""

import os
import re

import pytest
from cryptography.fernet import Fernet

from openalgo_store import (
    Settings,
    close_databases,
    create_api_key,
    create_user,
    get_auth_token,
    get_user_by_api_key,
    get_write_session,
    init_databases,
    revoke_api_key,
    save_auth_token,
)
from openalgo_store.security.secrets import Secrets
from tests.support.command import fail, succeed
from tests.support.rows import add_user


def test_api_keys_lists_the_active_ones_and_shows_no_key(secrets: Settings) -> None:
    assert succeed("api-keys") == "there are no active API keys\n"
    init_databases(secrets)
    asha, binod = (
        create_user(name, f"{name}@example.org", "$argon2-none").id for name in ("asha", "binod")
    )
    bot, old, other = (
        create_api_key(user_id, name)
        for user_id, name in ((asha, "bot\x1b[31m"), (asha, "old"), (binod, None))
    )
    revoke_api_key(old.id)
    get_user_by_api_key(bot.api_key)
    close_databases()
    shown = succeed("api-keys")
    head, *lines = (re.split("  +", line) for line in shown.splitlines())
    assert head == ["id", "user", "name", "ends in", "created", "last used"]
    assert [line[:4] for line in lines] == [
        [str(bot.id), "asha", "bot?[31m", bot.hint],
        [str(other.id), "binod", other.hint, lines[1][3]],
    ]
    assert lines[0][-1].endswith("IST")
    assert lines[1][-1] == "never"
    for issued in (bot, old, other):
        assert issued.api_key[:-4] not in shown
        assert Secrets(secrets).digest(issued.api_key) not in shown


def test_api_keys_lists_those_of_every_user(secrets: Settings) -> None:
    init_databases(secrets)
    with get_write_session() as tx:
        for number in range(1_001):
            add_user(tx, f"user{number}")
    issued = create_api_key(1_001)
    close_databases()
    assert re.search(rf"{issued.id} +user1000 ", succeed("api-keys"))


def test_api_keys_needs_no_pepper(secrets: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("API_KEY_PEPPER")
    assert succeed("api-keys") == "there are no active API keys\n"


def test_rotate_keys_says_how_many_rows_and_may_be_repeated(
    secrets: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    init_databases(secrets)
    user = create_user("asha", "asha@example.org", "$argon2-none")
    for broker in ("angel", "zerodha"):
        save_auth_token(user.id, broker, "opensesame")
    close_databases()
    old, new = secrets.token_encryption_keys, Fernet.generate_key().decode()
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEYS", f"{new},{old}")
    assert succeed("rotate-keys") == "2 rows encrypted with the newest key\n"
    assert succeed("rotate-keys") == "0 rows encrypted with the newest key\n"
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEYS", new)
    init_databases(Settings.from_env(os.environ))
    opened = get_auth_token(user.id, "zerodha")
    close_databases()
    assert opened is not None
    assert opened.access_token == "opensesame"
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEYS", old)
    assert "no key in TOKEN_ENCRYPTION_KEYS opens this database" in fail("rotate-keys")
