"""What state the databases are in. Looking changes nothing and creates no file."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from sqlalchemy import Table, func, select
from sqlalchemy.engine import make_url

from ..engine.queries import Query
from ..engine.session import Session
from ..errors import StoreError
from ..records.symbols import SymbolLoad
from ..repositories.symbols.symbol_loads import last_symbol_load
from ..schema import migrate
from ..settings import DATABASES, hide_password, variable_of
from ..startup import pool_warnings
from ..store import Store
from ..tables import METADATA
from ..tables.symbols import symbol_loads

_get_brokers = Query.of(select(symbol_loads.c.broker).distinct().order_by("broker"), str)


@cache
def _count_rows(table: Table) -> Query[int]:
    return Query.of(select(func.count()).select_from(table), int)


@dataclass
class DatabaseStatus:
    """One database; engine and rows are unknown where it is out of reach or not up to date."""

    name: str
    url: str
    reachable: bool = False
    engine: str | None = None
    server_version: str | None = None
    schema_version: str | None = None
    pending: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    problem: str | None = None


@dataclass
class Status:
    """The databases, the newest load of each broker, and what may go wrong one day."""

    databases: list[DatabaseStatus]
    symbol_loads: list[SymbolLoad]
    warnings: list[str]

    @property
    def problems(self) -> list[str]:
        """What is wrong now."""
        found = [f"{each.name}: {each.problem}" for each in self.databases if each.problem]
        refused = [each for each in self.symbol_loads if not each.loaded]
        return found + [
            f"the last load of {each.broker} was refused: {each.error}" for each in refused
        ]


def inspect(store: Store) -> Status:
    """Ask every database, all at once: one that is away neither hides nor delays the others."""
    asked = list(DATABASES)
    if store.settings.read_database_url:
        asked.append("replica")
    with ThreadPoolExecutor(len(asked)) as pool:
        databases = list(pool.map(lambda name: _inspect_database(store, name), asked))
    is_sound = all(each.problem is None for each in databases)
    return Status(
        databases,
        _last_loads(store) if databases[0].problem is None else [],
        list(pool_warnings(store)) if is_sound else [],
    )


def _inspect_database(store: Store, name: str) -> DatabaseStatus:
    database = "main" if name == "replica" else name
    settings = store.settings
    url = settings.read_database_url if name == "replica" else settings.url(name)
    found = DatabaseStatus(name, hide_password(url))
    if _is_missing(url):
        found.problem = (
            f"the file of {variable_of(database)} does not exist: run `openalgo-store init`"
        )
        return found
    try:
        found.pending = migrate.pending_migrations(url, database)
        found.schema_version = migrate.schema_version(url, database)
        with _session(store, name) as tx:
            dialect = store.databases[database]
            found.engine = dialect.name
            found.server_version = dialect.server_version(tx.connection)
            found.reachable = True
            if found.pending:
                found.problem = f"{', '.join(found.pending)} pending: run `openalgo-store migrate`"
                return found
            for table in METADATA[database].sorted_tables:
                found.rows[table.name] = tx.value(_count_rows(table)) or 0
    except StoreError as error:
        found.problem = " ".join(str(error).split())
    return found


def _session(store: Store, name: str) -> Session:
    if name == "replica" and store.replica:
        return store.replica_session()
    return store.transaction("main" if name == "replica" else name, readonly=True, primary=True)


def _is_missing(url: str) -> bool:
    path = Path(make_url(url).database or "")
    return path.is_absolute() and not path.exists()


def _last_loads(store: Store) -> list[SymbolLoad]:
    with store.transaction("main", readonly=True, primary=True) as tx:
        found = [last_symbol_load(broker, tx=tx) for broker in tx.all(_get_brokers)]
    return [each for each in found if each is not None]
