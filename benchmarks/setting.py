"""What a benchmark is given: two days of instruments, a database of each engine."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from openalgo_store import Instrument, RejectedRow, Settings, Store, read_instruments, use_store
from openalgo_store.instruments.samples.generator import write_next_day, write_zerodha_file
from openalgo_store.repositories.symbols.incoming_master import IncomingMaster
from openalgo_store.schema.migrate import run_migrations
from openalgo_store.values import clock
from tests.support.postgres_server import PostgresServer, start_postgres

from . import BROKER, core, orm, raw, raw_symbols
from .scale import Scale
from .targets import SQLITE

GIVEN = "given"
"""The way to a server whose URL was given, beside those of the tests."""


class Day:
    """A day's file, and its rows as each way takes them."""

    def __init__(self, file: Path) -> None:
        self.file = file

    @cached_property
    def instruments(self) -> list[Instrument | RejectedRow]:
        """What read_instruments yields."""
        return list(read_instruments(BROKER, self.file))

    @cached_property
    def rows(self) -> list[raw.Row]:
        """The checked rows, in the order of the table's columns."""
        master = IncomingMaster()
        master.read(self.instruments)
        columns, rows = master.stored(BROKER, clock.now())
        return list(map(itemgetter(*map(columns.index, raw_symbols.COLUMNS)), rows))

    @cached_property
    def mappings(self) -> list[dict[str, Any]]:
        """The same rows as the ORM wants them."""
        return [dict(zip(raw_symbols.COLUMNS, row, strict=True)) for row in self.rows]

    def by_symbol(self, engine: raw.Raw) -> dict[tuple[str, str], raw.Row]:
        """The same rows as the raw driver compares them."""
        return {raw_symbols.name_of(row): engine.storable(row) for row in self.rows}


class Database:
    """One migrated database and the ways into it."""

    def __init__(self, url: str) -> None:
        run_migrations(url, "main")
        self.url = url
        self.raw = raw.connect(url)
        self.core: Engine = core.get_engine(url)
        self.orm: Engine = orm.get_engine(url)
        self.store = Store(Settings(database_url=url))

    @property
    def name(self) -> str:
        """The engine."""
        return self.raw.name

    def hold(self, day: Day) -> None:
        """Let it hold a day's symbols, at rest, and be the one that the store's functions use."""
        self.use()
        self.raw.empty()
        raw.load(self.raw, map(self.raw.storable, day.rows), raw_symbols.SYMBOLS)
        self.raw.settle()

    def use(self) -> None:
        """Let the store's functions use it."""
        use_store(self.store)

    @contextmanager
    def alone(self) -> Iterator["Database | None"]:
        """A copy of the file for the ORM alone; None where a server keeps what is open.

        As in a program with nothing but the ORM, whose NullPool leaves no connection open: the
        last one to close a file of SQLite writes its log back and deletes it. Ours keeps an idle
        one against that, and the raw driver's stays open: in their file the ORM profits from them.
        """
        if self.name != SQLITE:
            yield None
            return
        file = Path(str(make_url(self.url).database)).with_suffix(".alone.db")
        self.raw.connection.execute("VACUUM INTO ?", (str(file),))
        copy = Database(f"sqlite:///{file}")
        copy.raw.connection.execute("PRAGMA journal_mode = WAL")
        copy.raw.close()
        copy.store.close()
        try:
            yield copy
        finally:
            copy.orm.dispose()
            file.unlink()

    def close(self) -> None:
        """Close all ways."""
        self.raw.close()
        self.store.close()
        self.core.dispose()
        self.orm.dispose()


@contextmanager
def telemetry(database: Database) -> Iterator[None]:
    """A store whose latencies are in this database, used until the end of the block."""
    run_migrations(database.url, "latency")
    with Store(replace(database.store.settings, latency_database_url=database.url)) as store:
        use_store(store)
        yield
    database.use()


@dataclass(frozen=True)
class Setting:
    """The two days, the databases for symbols and for books, and how much to measure."""

    today: Day
    tomorrow: Day
    databases: list[Database]
    books: list[Database]
    scale: Scale
    folder: Path
    server: PostgresServer | None
    engines: list[str]

    @contextmanager
    def new_databases(self, *names: str) -> Iterator[list[dict[str, Database]]]:
        """Further databases of these names, for each engine, until the end of the block."""
        with _databases(self.folder, self.server, self.engines, names) as found:
            yield found


@contextmanager
def open_setting(scale: Scale, postgres: str | None, engines: list[str]) -> Iterator[Setting]:
    """Files and new databases, all gone at the end.

    `postgres` is the URL of a server that may create databases; without it one is started.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="openalgo-bench-")))
        days = folder / "today.csv", folder / "tomorrow.csv"
        write_zerodha_file(days[0], scale.symbols)
        write_next_day(days[1], scale.symbols)
        server = stack.enter_context(_server(postgres)) if "postgresql" in engines else None
        stack.callback(use_store, None)
        found = stack.enter_context(_databases(folder, server, engines, ("symbols", "books")))
        symbols, books = ([each[name] for each in found] for name in ("symbols", "books"))
        today, tomorrow = map(Day, days)
        yield Setting(today, tomorrow, symbols, books, scale, folder, server, engines)


@contextmanager
def _databases(
    folder: Path, server: PostgresServer | None, engines: list[str], names: tuple[str, ...]
) -> Iterator[list[dict[str, Database]]]:
    """New databases of each name, for each engine; gone at the end."""
    with ExitStack() as stack:
        found: list[dict[str, Database]] = []
        if "sqlite" in engines:
            found.append({name: Database(f"sqlite:///{folder / name}.db") for name in names})
        if server:
            urls = {name: server.create_database() for name in names}
            for url in urls.values():
                stack.callback(server.drop_database, url)
            found.append({name: Database(url) for name, url in urls.items()})
        for databases in found:
            for database in databases.values():
                stack.callback(database.close)
        yield found


@contextmanager
def _server(url: str | None) -> Iterator[PostgresServer]:
    """The server at a URL, or a new one."""
    if url:
        admin = make_url(url).set(drivername="postgresql+psycopg")
        yield PostgresServer(GIVEN, admin, lambda: None)
        return
    server = start_postgres()
    try:
        yield server
    finally:
        server.stop()
