"""Scenes, and the table at the end of a whole run."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from openalgo_store import Settings, Store, use_store
from openalgo_store.settings import DATABASES
from tests.faults.operation import Operation, standing_clock
from tests.faults.operations import CORE, OPERATIONS, with_secrets
from tests.faults.reference import Reference, reference_of
from tests.faults.report import REPORT
from tests.faults.scene import Scene
from tests.support.chance import SOAK
from tests.support.leaks import Leaks
from tests.support.postgres_server import PostgresServer
from tests.support.recycling import RecycledDatabases
from tests.support.settings import settings_of
from tests.support.telegram import Clock

CALLS = 18 if SOAK else 10
"""How often an operation can be called in a scene."""
_references: dict[tuple[str, str], Reference] = {}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every operation in a whole run, a few of them else."""
    if "operation" in metafunc.fixturenames:
        chosen = [each for each in OPERATIONS if SOAK or each.name in CORE]
        metafunc.parametrize("operation", chosen, ids=lambda each: each.name)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table."""
    if SOAK and REPORT.rows:
        terminalreporter.write_line("")
        for line in REPORT.lines():
            terminalreporter.write_line(line)


@pytest.fixture
def new_settings(
    engine_name: str, tmp_path: Path, request: pytest.FixtureRequest, leaks: Leaks
) -> Iterator[Callable[[], Settings]]:
    """A function that gives settings, with secrets, of five migrated, empty databases each time."""
    taken: list[str] = []
    recycled: RecycledDatabases | None = None
    if engine_name == "postgresql":
        recycled = request.getfixturevalue("recycled_databases")

    def create() -> Settings:
        if recycled is None:
            taken.append(str(tmp_path / f"databases{len(taken)}"))
            shutil.copytree(request.getfixturevalue("sqlite_template"), taken[-1])
            return with_secrets(settings_in(Path(taken[-1])))
        taken.append(recycled.take())
        return with_secrets(settings_of(dict.fromkeys(DATABASES, taken[-1])))

    yield create
    for url in taken if recycled else ():
        recycled.give_back(url, leaks)  # type: ignore[union-attr]


def settings_in(folder: Path) -> Settings:
    """Settings of the databases in a folder."""
    return settings_of({name: f"sqlite:///{folder / name}.db" for name in DATABASES})


@pytest.fixture
def server(engine_name: str, request: pytest.FixtureRequest) -> PostgresServer | None:
    """The server, where there is one."""
    return request.getfixturevalue("postgres") if engine_name == "postgresql" else None


@pytest.fixture
def standing() -> Iterator[Clock]:
    """A clock that stands."""
    with standing_clock() as clock:
        yield clock


@pytest.fixture
def reference(
    engine_name: str, operation: Operation, new_settings: Callable[[], Settings]
) -> Reference:
    """What this operation does where nothing breaks; found out once in a run."""
    key = engine_name, operation.name
    if key not in _references:
        _references[key] = reference_of(operation, new_settings(), CALLS)
    return _references[key]


@pytest.fixture
def new_scene(
    operation: Operation, reference: Reference, standing: Clock
) -> Iterator[Callable[[Settings], Scene]]:
    """A function that makes a scene of databases that are empty; its store is the current one."""
    with ExitStack() as opened:

        def create(settings: Settings) -> Scene:
            store = opened.enter_context(Store(settings))
            opened.enter_context(use_store(store))
            return Scene(operation, store, reference)

        yield create


@pytest.fixture
def scene(new_scene: Callable[[Settings], Scene], new_settings: Callable[[], Settings]) -> Scene:
    """The scene of most tests."""
    return new_scene(new_settings())
