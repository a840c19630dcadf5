"""SQLite files that are held, cannot grow, may not be written, are damaged."""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from openalgo_store import Settings, Store, StoreError, use_store
from openalgo_store.background.buffered_writer import open_writers
from tests.faults.conftest import settings_in
from tests.faults.damage import DAMAGES
from tests.faults.operation import Operation, impatient
from tests.faults.operations import with_secrets
from tests.faults.reference import Reference, prepare
from tests.faults.report import REPORT
from tests.faults.scene import Scene, outcome_of
from tests.faults.states import difference, state_of
from tests.faults.steps import Point, striking
from tests.support.chance import SOAK, chance_of
from tests.support.disks import growth_limit, without_rights
from tests.support.telegram import Clock

LIMITS = 3 if SOAK else 1
"""How often the files of each operation may not grow."""
pytestmark = [pytest.mark.only("sqlite"), pytest.mark.timeout(300)]


def path_of(settings: Settings, database: str) -> Path:
    return Path(settings.url(database).removeprefix("sqlite:///"))


def write_back(settings: Settings, database: str) -> None:
    """Empty the write-ahead log, so that each write makes it grow."""
    with closing(sqlite3.connect(path_of(settings, database))) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def test_files_that_may_not_grow(scene: Scene, engine_name: str) -> None:
    """From one step on, and to a size that lets some pages of the transaction into the log."""
    chance = chance_of(f"limits of {scene.operation.name}")
    for _ in range(LIMITS):
        write_back(scene.settings, scene.operation.database)
        size = chance.choice([0, 32, 4096, chance.randrange(30_000)])
        point = Point(chance.randint(1, scene.steps), is_before=True)
        with growth_limit() as limit, impatient():
            with striking(point, lambda driver, size=size: limit(size)):  # type: ignore[misc]
                outcome = scene.call()
        scene.judge("file that may not grow", *outcome)


def test_a_file_that_another_process_holds(scene: Scene, engine_name: str) -> None:
    hasty = replace(scene.settings, db_sqlite_busy_timeout=0.05)
    with Store(hasty) as store, use_store(store), impatient():
        path = path_of(scene.settings, scene.operation.database)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            outcome = scene.call()
    scene.judge("file held by another process", *outcome)


@pytest.fixture
def open_to_all(sqlite_template: Path) -> Iterator[Settings]:
    """Five migrated files where every user comes; pytest's own folders are closed."""
    with tempfile.TemporaryDirectory(prefix="openalgo-files-") as folder:
        files = Path(folder) / "databases"
        shutil.copytree(sqlite_template, files)
        Path(folder).chmod(0o755)
        yield with_secrets(settings_in(files))


def test_files_that_may_not_be_written(
    open_to_all: Settings, new_scene: Callable[[Settings], Scene], engine_name: str
) -> None:
    scene = new_scene(open_to_all)
    folder = path_of(open_to_all, "main").parent
    for path in folder.iterdir():
        path.chmod(0o444)
    folder.chmod(0o555)
    with without_rights():
        with Store(open_to_all) as store, use_store(store), impatient():
            outcome = scene.call()
    folder.chmod(0o755)
    for path in folder.iterdir():
        path.chmod(0o644)
    scene.judge("read-only files", *outcome)


def test_damaged_files(
    operation: Operation,
    reference: Reference,
    new_settings: Callable[[], Settings],
    standing: Clock,
    tmp_path: Path,
    engine_name: str,
) -> None:
    """Told, or not met; and put back from a copy they serve as if nothing had been."""
    settings = new_settings()
    folder, sound = path_of(settings, "main").parent, tmp_path / "sound"
    with Store(settings) as store, use_store(store):
        prepare(operation, len(reference.states))
    shutil.copytree(folder, sound)
    right = reference.states[0][0], reference.states[0][-1]
    chance = chance_of(f"damage of {operation.name}")
    for damage in (each for each in DAMAGES for _ in range(each.cases if SOAK else 1)):
        put_back(sound, folder)
        damage.do(path_of(settings, operation.database), chance)
        seen = _seen_in_damaged(operation, settings)
        put_back(sound, folder)
        with Store(settings) as store, use_store(store):
            before = state_of(operation.database)
            operation.run(0)
            after = state_of(operation.database)
        is_sound = (before, after) == right
        REPORT.row(f"damage: {damage.name}", engine_name).add(seen, is_sound=is_sound)
        assert is_sound, difference(after, right[-1])


def put_back(sound: Path, folder: Path) -> None:
    """Put files in place of those that are there, as a restore does; nobody has them open."""
    shutil.rmtree(folder)
    shutil.copytree(sound, folder)


def _seen_in_damaged(operation: Operation, settings: Settings) -> str:
    """What a call hears in a damaged file; then every row is read."""
    with Store(settings) as store, use_store(store), impatient():
        outcome, error = outcome_of(lambda: operation.run(0))
        for writer in open_writers():
            writer.close(timeout=0)  # what it could not write, it must not write elsewhere
        try:
            state_of(operation.database)
        except StoreError as another:
            return f"{error}: {outcome}, reading all: {type(another).__name__}"
    return f"{error}: {outcome}, reading all: nothing"
