"""A disk on which nothing is left, beside each operation: both engines, on one that is small."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from openalgo_store import Settings
from openalgo_store.settings import DATABASES
from tests.faults.conftest import settings_in
from tests.faults.operation import impatient
from tests.faults.operations import with_secrets
from tests.faults.report import REPORT
from tests.faults.scene import Scene
from tests.faults.steps import Point, striking
from tests.support.chance import SOAK, chance_of
from tests.support.disks import NoDiskError, filling, small_disk
from tests.support.leaks import Leaks
from tests.support.postgres_server import PostgresServer
from tests.support.server_faults import stored_in
from tests.support.settings import settings_of

FULL = 3 if SOAK else 1
"""How often the disk is full beside each operation."""
_MEGABYTES = 40
_FAULT = "full disk"
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def disk(engine_name: str) -> Iterator[Path]:
    """A folder with a small file system of its own."""
    try:
        with small_disk(_MEGABYTES) as folder:
            yield folder
    except NoDiskError as error:
        REPORT.row(_FAULT, engine_name).measured = [f"not tried: {error}"]
        pytest.skip(str(error))


@pytest.fixture
def on_disk(disk: Path, engine_name: str, request: pytest.FixtureRequest) -> Iterator[Settings]:
    """Five migrated, empty databases there."""
    if engine_name == "sqlite":
        shutil.copytree(request.getfixturevalue("sqlite_template"), disk / "databases")
        yield settings_in(disk / "databases")
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    leaks: Leaks = request.getfixturevalue("leaks")
    url = server.create_database(request.getfixturevalue("postgresql_template"))
    with stored_in(server, url, disk / "tablespace"):
        yield settings_of(dict.fromkeys(DATABASES, url))
        leaks.check_server(url)


def test_a_full_disk(
    on_disk: Settings, disk: Path, new_scene: Callable[[Settings], Scene], engine_name: str
) -> None:
    """From one step on, but for some pages."""
    scene = new_scene(with_secrets(on_disk))
    chance = chance_of(f"full disks in {scene.operation.name}")
    for _ in range(FULL):
        left = chance.choice([0, 0, 4096 * chance.randrange(1, 5)])
        point = Point(chance.randint(1, scene.steps), is_before=True)
        with filling(disk) as fill, impatient():
            with striking(point, lambda driver, left=left: fill(left)):  # type: ignore[misc]
                outcome = scene.call()
        scene.judge(_FAULT, *outcome)
