"""What stands before the first start of an example, as its head says: .env, databases, a user."""

import os
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner

from openalgo_store import (
    Settings,
    Store,
    bulk_insert_symbols,
    init_databases,
    read_env_file,
)
from openalgo_store.cli import main
from tests.support.leaks import Leaks
from tests.support.served import write_env_file

USER = "asha <b>"
"""Which a page must not take for markup."""
PASSWORD, POSTBACK_SECRET = "correct horse battery", "what the broker signs its postbacks with"
SESSION_KEY = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="
"""Made up: the key of no installation."""


@pytest.fixture
def here(
    migrated_settings: Settings, leaks: Leaks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Store]:
    """The current folder has an .env with secrets; the databases have asha, and one symbol.

    They are open here as well, with the same settings.
    """
    monkeypatch.chdir(tmp_path)
    for each in fields(Settings):
        monkeypatch.delenv(each.name.upper(), raising=False)
    write_env_file(
        migrated_settings,
        SESSION_KEY=SESSION_KEY, POSTBACK_SECRET=POSTBACK_SECRET,
        DB_LOCK_TIMEOUT=1, DB_SQLITE_BUSY_TIMEOUT=1,
    )  # fmt: skip
    for command in (["init"], ["users", "add", USER, "asha@example.org"]):
        result = CliRunner().invoke(main, command, input=f"{PASSWORD}\n")
        assert result.exit_code == 0, result.output
    for secret in (PASSWORD, SESSION_KEY, POSTBACK_SECRET):
        leaks.note(secret)
    settings = Settings.from_env({**read_env_file(".env"), **os.environ})
    with init_databases(settings) as store:
        symbol = {"symbol": "RELIANCE", "exchange": "NSE", "token": "738561::::2885"}
        bulk_insert_symbols([symbol], "zerodha")
        yield store
