"""Installations to copy from and to: of one engine, or of both."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from openalgo_store import Settings, Store, use_store
from openalgo_store.settings import DATABASES
from tests.conftest import settings_of
from tests.support.installation import fill, with_secrets

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
    tmp_path: Path, request: pytest.FixtureRequest, sqlite_template: Path
) -> NewInstallation:
    """A function that makes five migrated databases of an engine: files, or one for all names."""

    def create(engine: str) -> Settings:
        if engine == "sqlite":
            folder = tmp_path / f"installation{len(list(tmp_path.iterdir()))}"
            shutil.copytree(sqlite_template, folder)
            urls = {name: f"sqlite:///{folder / name}.db" for name in DATABASES}
        else:
            template = request.getfixturevalue("postgresql_template")
            new_database = request.getfixturevalue("new_postgres_database")
            urls = dict.fromkeys(DATABASES, new_database(template))
        return with_secrets(settings_of(urls))

    return create


@pytest.fixture
def installations(
    new_installation: NewInstallation, source: str, target: str
) -> Iterator[tuple[Store, Store]]:
    """Two that nobody uses: one to copy from, one to copy to."""
    with Store(new_installation(source)) as origin, Store(new_installation(target)) as goal:
        yield origin, goal
    use_store(None)
