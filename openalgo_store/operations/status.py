"""What a person asks for beside the health: how many rows there are, and the last symbol loads."""

from dataclasses import dataclass

from sqlalchemy import select

from ..engine.queries import Query
from ..errors import StoreError
from ..records.symbols import SymbolLoad
from ..repositories.symbols.symbol_loads import last_symbol_load
from ..startup import pool_warnings
from ..store import Store, current_store
from ..tables.symbols import symbol_loads
from .health import PATIENCE, DatabaseHealth, Health, check_health
from .row_counts import rows_by_table

_get_brokers = Query.of(select(symbol_loads.c.broker).distinct().order_by("broker"), str)


@dataclass
class Status:
    """The health, the newest load of each broker, and where the pools together are too large."""

    health: Health
    symbol_loads: list[SymbolLoad]
    pool_warnings: list[str]

    @property
    def problems(self) -> list[str]:
        """What is wrong now."""
        refused = [each for each in self.symbol_loads if not each.loaded]
        return self.health.problems + [
            f"the last load of {each.broker} was refused: {each.error}" for each in refused
        ]

    @property
    def warnings(self) -> list[str]:
        """What may go wrong one day."""
        return self.health.warnings + self.pool_warnings


def inspect(timeout: float = PATIENCE) -> Status:
    """Ask the databases of the current store how they are, and those that are well for more."""
    store, health = current_store(), check_health(timeout)
    for database in health.databases:
        if database.name in store.databases and database.problem is None:
            try:
                _count(store, database)
            except StoreError as error:
                database.problem = " ".join(str(error).split())
    return Status(
        health,
        _last_loads(store) if health.databases[0].problem is None else [],
        list(pool_warnings(store)) if health.ok else [],
    )


def _count(store: Store, database: DatabaseHealth) -> None:
    with store.transaction(database.name, readonly=True, primary=True) as tx:
        database.rows.update(rows_by_table(tx))


def _last_loads(store: Store) -> list[SymbolLoad]:
    with store.transaction("main", readonly=True, primary=True) as tx:
        found = [last_symbol_load(broker, tx=tx) for broker in tx.all(_get_brokers)]
    return [each for each in found if each is not None]
