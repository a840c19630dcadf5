"""Installations to copy from and to: of one engine, or of both."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from openalgo_store import Settings, Store, use_store
from openalgo_store.settings import DATABASES
from tests.conftest import settings_of
from tests.support.installation import fill, with_secrets
from tests.support.leaks import Leaks
from tests.support.recycling import RecycledDatabases

NewInstallation = Callable[[str], Settings]


@pytest.fixture
def filled(migrated_settings: Settings) -> Iterator[Store]:
    """An installation in which every table has rows."""
    with Store(with_secrets(migrated_settings)) as store:
        fill(store)
        yield store
    use_store(None)


@pytest.fixture
def new_installation(
    tmp_path: Path, request: pytest.FixtureRequest, sqlite_template: Path, leaks: Leaks
) -> Iterator[NewInstallation]:
    """A function that gives five migrated databases of an engine: files, or one for all names."""
    taken: list[tuple[RecycledDatabases, str]] = []

    def create(engine: str) -> Settings:
        if engine == "sqlite":
            folder = tmp_path / f"installation{len(list(tmp_path.iterdir()))}"
            shutil.copytree(sqlite_template, folder)
            urls = {name: f"sqlite:///{folder / name}.db" for name in DATABASES}
        else:
            recycled: RecycledDatabases = request.getfixturevalue("recycled_databases")
            taken.append((recycled, recycled.take()))
            urls = dict.fromkeys(DATABASES, taken[-1][1])
        return with_secrets(settings_of(urls))

    yield create
    for recycled, url in taken:
        recycled.give_back(url, leaks)


@pytest.fixture
def installations(
    new_installation: NewInstallation, source: str, target: str
) -> Iterator[tuple[Store, Store]]:
    """Two that nobody uses: one to copy from, one to copy to."""
    with Store(new_installation(source)) as origin, Store(new_installation(target)) as goal:
        yield origin, goal
    use_store(None)
