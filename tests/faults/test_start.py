"""A start where nobody answers: it is told at once, and the next start works."""

import time
from dataclasses import replace

import pytest

from openalgo_store import (
    ConfigurationError,
    Settings,
    Unavailable,
    close_databases,
    create_user,
    init_databases,
)
from openalgo_store.store import open_store
from tests.contract.accounts.conftest import MARKS
from tests.faults.report import REPORT
from tests.support.chance import SOAK
from tests.support.command import AWAY
from tests.support.rows import names

_SOON = 8.0
"""Seconds: less than a connection may take where nobody refuses it."""


@pytest.mark.parametrize("database", ["main", "telegram"] if SOAK else ["telegram"])
def test_a_start_without_an_answer_is_told_and_the_next_one_works(
    settings: Settings, engine_name: str, database: str
) -> None:
    name = "database_url" if database == "main" else f"{database}_database_url"
    began = time.monotonic()
    with pytest.raises((Unavailable, ConfigurationError)) as raised:
        init_databases(replace(settings, **{name: AWAY[engine_name]}))  # type: ignore[arg-type]
    assert time.monotonic() - began < _SOON
    assert open_store() is None
    assert name.upper() in str(raised.value)
    init_databases(settings)
    create_user("asha", "asha@example.org", MARKS)
    assert names() == ["asha"]
    close_databases()
    seen = f"{type(raised.value).__name__}: nothing stays open"
    REPORT.row("refused at start", engine_name).add(seen, is_sound=True)
