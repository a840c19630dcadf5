"""Where the command runs: an empty folder, five databases, the files of two days."""

import os
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from openalgo_store import Settings
from openalgo_store.instruments.samples.generator import write_next_day, write_zerodha_file
from openalgo_store.settings import DATABASES, variable_of
from tests.support.command import ROWS, SECRETS, succeed
from tests.support.settings import Urls


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, and no variable of ours in the environment."""
    for name in [*map(variable_of, DATABASES), "READ_DATABASE_URL", *SECRETS]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DB_POOL_SIZE", "5")
    monkeypatch.setenv("DB_MAX_OVERFLOW", "0")
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def empty_environment(here: Path, fresh_urls: Urls, monkeypatch: pytest.MonkeyPatch) -> Urls:
    """The environment names five databases in which nothing is."""
    for name, url in fresh_urls.items():
        monkeypatch.setenv(variable_of(name), url)
    return fresh_urls


@pytest.fixture
def environment(here: Path, migrated_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Urls:
    """The environment names five migrated databases."""
    urls = {name: migrated_settings.url(name) for name in DATABASES}
    for name, url in urls.items():
        monkeypatch.setenv(variable_of(name), url)
    return urls


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """The instrument files of two days."""
    day, next_day = tmp_path / "day.csv", tmp_path / "next.csv.gz"
    write_zerodha_file(day, ROWS)
    write_next_day(next_day, ROWS)
    return day, next_day


@pytest.fixture
def secrets(environment: Urls, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The environment names the secrets as well, and the databases are there."""
    monkeypatch.setenv("API_KEY_PEPPER", "p" * 40)
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEYS", Fernet.generate_key().decode())
    succeed("init")
    return Settings.from_env(os.environ)
