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

from openalgo_store import (
    Instrument,
    RejectedRow,
    Settings,
    Store,
    clock,
    read_instruments,
    use_store,
)
from openalgo_store.instruments.generator import write_next_day, write_zerodha_file
from openalgo_store.instruments.validation import COLUMNS
from openalgo_store.master import Master
from openalgo_store.migrate import run_migrations
from tests.postgres_server import PostgresServer, start_postgres

from . import BROKER, orm, raw


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
        master = Master()
        master.read(self.instruments)
        order = ("broker", *COLUMNS, "last_updated")
        in_order = itemgetter(*map(order.index, raw.COLUMNS))
        return list(map(in_order, master.rows(BROKER, clock.now())))

    @cached_property
    def mappings(self) -> list[dict[str, Any]]:
        """The same rows as the ORM wants them."""
        return [dict(zip(raw.COLUMNS, row, strict=True)) for row in self.rows]

    def by_symbol(self, engine: raw.Raw) -> dict[tuple[str, str], raw.Row]:
        """The same rows as the raw driver compares them."""
        return {(row[raw.SYMBOL], row[raw.EXCHANGE]): engine.storable(row) for row in self.rows}


class Database:
    """One migrated database and three ways into it."""

    def __init__(self, url: str) -> None:
        run_migrations(url, "main")
        self.url = url
        self.raw = raw.connect(url)
        self.store = Store(Settings(database_url=url))
        self.orm: Engine = orm.get_engine(url)

    @property
    def name(self) -> str:
        """The engine."""
        return self.raw.name

    def hold(self, day: Day) -> None:
        """Let it hold a day's symbols, at rest, and be the one that the store's functions use."""
        self.use()
        self.raw.empty()
        raw.load(self.raw, map(self.raw.storable, day.rows))
        self.raw.settle()

    def use(self) -> None:
        """Let the store's functions use it."""
        use_store(self.store)

    def close(self) -> None:
        """Close all three ways."""
        use_store(None)
        self.raw.close()
        self.store.close()
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
    """The two days, the databases, and how often to measure."""

    today: Day
    tomorrow: Day
    databases: list[Database]
    repeat: int


@contextmanager
def open_setting(
    rows: int, repeat: int, postgres: str | None, engines: list[str]
) -> Iterator[Setting]:
    """Files of so many rows and new databases, all gone at the end.

    `postgres` is the URL of a server that may create databases; without it one is started.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="openalgo-bench-")))
        today, tomorrow = folder / "today.csv", folder / "tomorrow.csv"
        write_zerodha_file(today, rows)
        write_next_day(tomorrow, rows)
        urls = []
        if "sqlite" in engines:
            urls.append(f"sqlite:///{folder / 'main.db'}")
        if "postgresql" in engines:
            urls.append(stack.enter_context(_postgres_database(postgres)))
        databases = [Database(url) for url in urls]
        for database in databases:
            stack.callback(database.close)
        yield Setting(Day(today), Day(tomorrow), databases, repeat)


@contextmanager
def _postgres_database(url: str | None) -> Iterator[str]:
    server = (
        PostgresServer("given", make_url(url).set(drivername="postgresql+psycopg"), lambda: None)
        if url
        else start_postgres()
    )
    try:
        database = server.create_database()
        try:
            yield database
        finally:
            server.drop_database(database)
    finally:
        server.stop()
