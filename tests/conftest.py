"""What every test builds on: the engines, a PostgreSQL server, databases of their own."""

import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from itertools import count
from pathlib import Path

import pytest
import sqlparse

from openalgo_store.schema.migrate import run_migrations
from openalgo_store.settings import DATABASES, Settings
from openalgo_store.store import Store, use_store
from tests.support.chance import SEED, SOAK, load_hypothesis_profile
from tests.support.leaks import Leaks
from tests.support.pooler import MISSING, find_pooler, start_pooler
from tests.support.postgres_server import PostgresServer, start_postgres
from tests.support.recycling import RecycledDatabases
from tests.support.settings import POOLER, SQLITE_IDLE, Urls, settings_of
from tests.support.spare_databases import SpareDatabases

__all__ = ["SQLITE_IDLE", "Urls", "settings_of"]

GREEN = os.environ.get("OPENALGO_TEST_GREEN") == "1"
"""Whether the whole probe of green threads runs, which takes minutes."""
FAULTS = Path(__file__).parent / "faults"
ENGINES = os.environ.get("OPENALGO_TEST_ENGINES", "sqlite,postgresql").split(",")
if not set(ENGINES) <= {"sqlite", "postgresql"}:
    raise pytest.UsageError("OPENALGO_TEST_ENGINES: sqlite, postgresql or both with a comma")
if POOLER != "none" and find_pooler() is None:
    raise pytest.UsageError(f"OPENALGO_TEST_POOLER={POOLER}: {MISSING}")

load_hypothesis_profile()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Hypothesis draws from the same seed as everything else."""
    if SEED:
        config.option.hypothesis_seed = SEED


def pytest_sessionstart(session: pytest.Session) -> None:
    """Say what repeats this run: quiet as it is, it shows no header."""
    if SEED:
        session.config.get_terminal_writer().line(f"OPENALGO_TEST_SEED={SEED}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each engine in turn; with `@pytest.mark.only(ENGINE)` what that one alone has."""
    if "engine_name" in metafunc.fixturenames:
        metafunc.parametrize("engine_name", _engines_of(metafunc.definition), indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What another run has is not part of this one, nor what takes too long for it."""
    others = [each for each in items if _is_of_another_run(each) or _is_left_out(each)]
    items[:] = [each for each in items if each not in others]
    config.hook.pytest_deselected(items=others)


def _is_of_another_run(node: pytest.Item) -> bool:
    """What only other engines have; and what speaks to none, which is part of SQLite's run."""
    assert isinstance(node, pytest.Function)
    speaks = {"engine_name", "postgres"} & {*node.fixturenames} or node.get_closest_marker("only")
    return not _engines_of(node) or not (speaks or "sqlite" in ENGINES)


def _is_left_out(node: pytest.Item) -> bool:
    """What takes minutes, unless it is asked for; in a soak what is the same every time."""
    if SOAK and not _repeats(node):
        return True
    return not GREEN and node.get_closest_marker("green") is not None


def _repeats(node: pytest.Item) -> bool:
    """Whether more of it, or fresh chance, may find something. The faults belong together."""
    assert isinstance(node, pytest.Function)
    draws = any(hasattr(node.module, name) for name in ("chance_of", "given", "SOAK"))
    return draws or "soak" in node.fixturenames or FAULTS in node.path.parents


def _engines_of(node: pytest.Item) -> list[str]:
    only = node.get_closest_marker("only")
    return [name for name in ENGINES if only is None or name in only.args]


@pytest.fixture
def engine_name(request: pytest.FixtureRequest) -> str:
    """The engine of this test."""
    return str(request.param)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server of this test run, started when the first test needs it."""
    server = start_postgres()
    try:
        if POOLER == "none":
            yield server
        else:
            pooled = start_pooler(server)
            yield pooled
            pooled.stop()
    finally:
        server.stop()


@pytest.fixture(scope="session", autouse=True)
def splits_kept() -> Iterator[None]:
    """Each migration is split into its statements once: yoyo does so for every database anew."""
    kept = cache(sqlparse.split)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlparse, "split", lambda text: list(kept(text)))
        yield


@pytest.fixture(autouse=True)
def leaks(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[Leaks]:
    """After every test: no secret of it stands in a database, a log line or an error."""
    caplog.set_level(logging.DEBUG, logger="openalgo_store")
    caplog.set_level(logging.INFO, logger="openalgo_store.statements")  # a line for each
    folder: Path | None = None
    if "tmp_path" in request.fixturenames:
        folder = request.getfixturevalue("tmp_path")
    with pytest.MonkeyPatch.context() as patch:
        found = Leaks(patch)
        yield found
    found.check("the log", caplog.text.encode(errors="surrogatepass"))
    found.check("an error", "\n".join(found.messages).encode(errors="surrogatepass"))
    if folder:
        found.check_files(folder)


@pytest.fixture(scope="session")
def spare_databases(postgres: PostgresServer) -> Iterator[SpareDatabases]:
    """New, empty databases for all tests that need one."""
    with closing(SpareDatabases(postgres)) as spares:
        yield spares


@pytest.fixture
def new_postgres_database(
    request: pytest.FixtureRequest, leaks: Leaks
) -> Iterator[Callable[[str | None], str]]:
    """A function that makes a database (of a template's URL, or empty); dropped after the test."""
    made: list[tuple[PostgresServer, str]] = []

    def create(template: str | None = None) -> str:
        server: PostgresServer = request.getfixturevalue("postgres")
        spares: SpareDatabases = request.getfixturevalue("spare_databases")
        url = spares.take() if template is None else server.create_database(template)
        made.append((server, url))
        return url

    yield create
    try:
        for _, url in made:
            leaks.check_server(url)
    finally:
        for server, url in made:
            server.drop_database(url)


@pytest.fixture
def new_urls(
    engine_name: str, tmp_path: Path, new_postgres_database: Callable[[str | None], str]
) -> Callable[[], Urls]:
    """A function that gives five empty databases each time: files, or one for all five names."""
    numbers = count(1)

    def create() -> Urls:
        if engine_name == "postgresql":
            return dict.fromkeys(DATABASES, new_postgres_database(None))
        folder = tmp_path / f"databases{next(numbers)}"
        folder.mkdir()
        return _sqlite_urls(folder)

    return create


@pytest.fixture
def fresh_urls(new_urls: Callable[[], Urls]) -> Urls:
    """Five empty databases: five files, or five names for one new PostgreSQL database."""
    return new_urls()


@pytest.fixture
def separate_urls(
    engine_name: str, tmp_path: Path, new_postgres_database: Callable[[str | None], str]
) -> Urls:
    """Five empty databases, apart on PostgreSQL too (slower than fresh_urls)."""
    if engine_name == "sqlite":
        return _sqlite_urls(tmp_path)
    return {name: new_postgres_database(None) for name in DATABASES}


@pytest.fixture
def settings(fresh_urls: Urls) -> Settings:
    """Settings of five empty databases."""
    return settings_of(fresh_urls)


@pytest.fixture
def migrated_settings(
    engine_name: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    leaks: Leaks,
) -> Iterator[Settings]:
    """Settings of five migrated, empty databases: copied files, or one that is used again."""
    if engine_name == "sqlite":
        shutil.copytree(request.getfixturevalue("sqlite_template"), tmp_path, dirs_exist_ok=True)
        yield settings_of(_sqlite_urls(tmp_path))
        return
    recycled: RecycledDatabases = request.getfixturevalue("recycled_databases")
    url = recycled.take()
    yield settings_of(dict.fromkeys(DATABASES, url))
    recycled.give_back(url, leaks)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the five migrated files, closed."""
    folder = tmp_path_factory.mktemp("template")
    for name, url in _sqlite_urls(folder).items():
        run_migrations(url, name)
    return folder


@pytest.fixture(scope="session")
def postgresql_template(postgres: PostgresServer) -> str:
    """The URL of one migrated database that holds all five; nobody is connected to it."""
    url = postgres.create_database()
    for name in DATABASES:
        run_migrations(url, name)
    return url


@pytest.fixture(scope="session")
def recycled_databases(
    postgres: PostgresServer, postgresql_template: str
) -> Iterator[RecycledDatabases]:
    """Copies of the migrated database, emptied after each test."""
    with closing(RecycledDatabases(postgres, postgresql_template)) as recycled:
        yield recycled


@pytest.fixture(scope="session")
def soak() -> Callable[[int], int]:
    """How often a test repeats: the whole count with OPENALGO_SOAK=1, else a tenth of it."""
    return lambda count: count if SOAK else max(2, count // 10)


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Show a line with what was measured, in a soak; else nobody reads it."""

    def write(line: str) -> None:
        if SOAK:
            with capsys.disabled():
                print(f"\n{line}", end="")  # noqa: T201

    return write


def _sqlite_urls(folder: Path) -> Urls:
    return {name: f"sqlite:///{folder / name}.db" for name in DATABASES}


@pytest.fixture
def copy_of_main(
    migrated_settings: Settings, new_postgres_database: Callable[[str | None], str]
) -> Callable[[], str]:
    """A function that copies the main database, which nobody has open, and gives the copy's URL."""

    def copy() -> str:
        url = migrated_settings.url("main")
        if not url.startswith("sqlite"):
            return new_postgres_database(url)
        path = Path(url.removeprefix("sqlite:///"))
        return f"sqlite:///{shutil.copy(path, path.with_name('copy.db'))}"

    return copy


@pytest.fixture
def store(migrated_settings: Settings) -> Iterator[Store]:
    """An open store on migrated, empty databases; it is the current one."""
    with Store(migrated_settings) as opened:
        use_store(opened)
        yield opened
    use_store(None)
