"""A SQLite file that cannot serve is Unavailable, with what is wrong with it."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from openalgo_store import (
    ConfigurationError,
    Settings,
    Store,
    Unavailable,
    close_databases,
    init_databases,
    use_store,
)
from openalgo_store.settings import DATABASES
from tests.programs.databases import result_of, start
from tests.support.rows import names
from tests.support.settings import settings_of

pytestmark = pytest.mark.only("sqlite")


@pytest.fixture
def elsewhere(engine_name: str) -> Iterator[Settings]:
    """Five databases that are up to date, where every user comes; pytest's folders are closed."""
    with tempfile.TemporaryDirectory(prefix="openalgo-files-") as folder:
        Path(folder).chmod(0o777)
        settings = settings_of({name: f"sqlite:///{folder}/{name}.db" for name in DATABASES})
        init_databases(settings)
        close_databases()
        for each in Path(folder).iterdir():
            each.chmod(0o666)
        yield settings


def path_of(settings: Settings) -> Path:
    return Path(settings.database_url.removeprefix("sqlite:///"))


RIGHTS = [
    (0o444, 0o777, "the file {file} is read-only for this user"),
    (0o666, 0o555, "the folder {folder} cannot be written"),
    (0o444, 0o555, "the folder {folder} cannot be written"),
]


@pytest.mark.parametrize(("of_file", "of_folder", "at_start"), RIGHTS)
def test_a_file_that_this_user_may_not_write_is_named_at_the_start_and_at_a_write(
    elsewhere: Settings, of_file: int, of_folder: int, at_start: str
) -> None:
    path = path_of(elsewhere)
    path.chmod(of_file)
    path.parent.chmod(of_folder)
    told = result_of(start("initialise_without_rights", elsewhere))
    assert told.startswith(f"DATABASE_URL: {at_start.format(file=path, folder=path.parent)}")
    written, _ = result_of(start("write_without_rights", elsewhere))
    assert written.startswith(f"Unavailable: {path} is read-only: check the rights of the file")


def test_a_log_of_another_user_is_named_at_the_start(elsewhere: Settings) -> None:
    """As a program leaves it that somebody ran as root, and that was killed."""
    path = path_of(elsewhere)
    for suffix in ("-wal", "-shm"):
        log = Path(f"{path}{suffix}")
        log.touch()
        log.chmod(0o444)
        told = result_of(start("initialise_without_rights", elsewhere))
        assert told.startswith(f"DATABASE_URL: the file {log} is read-only for this user")
        log.unlink()


def test_a_read_session_that_writes_is_misuse_in_a_sound_file(elsewhere: Settings) -> None:
    said = result_of(start("write_without_rights", elsewhere))
    assert said == ["SessionMisuse: a read session cannot write: use get_write_session"]


def test_a_file_that_is_no_database_says_so(migrated_settings: Settings) -> None:
    path = path_of(migrated_settings)
    path.write_text("symbol,token\n" * 1000)
    with Store(migrated_settings) as store, use_store(store):
        with pytest.raises(Unavailable, match=f"{path} is not a SQLite database: check the URL"):
            names()


def test_a_folder_in_place_of_a_file_is_named_at_the_start(
    migrated_settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "folder.db"
    path.mkdir()
    wrong = replace(migrated_settings, logs_database_url=f"sqlite:///{path}")
    with pytest.raises(
        ConfigurationError, match=f"^LOGS_DATABASE_URL: {path} is a folder: name a file"
    ):
        init_databases(wrong)
    assert list(path.iterdir()) == []
