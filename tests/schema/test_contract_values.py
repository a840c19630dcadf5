"""main-0010: symbols of 64 characters and a contract's value, and the way back."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, NullPool, create_engine, func, select
from sqlalchemy.exc import IntegrityError

from openalgo_store.tables.symbols import symbols
from openalgo_store.values import clock
from tests.schema.test_schema import migrate_up, migrations, run
from tests.support.settings import Urls

OLD = [column for column in symbols.c if column.name != "contract_value"]
FILE = "main-0010-contract-values"


@pytest.fixture
def connection(fresh_urls: Urls) -> Iterator[Connection]:
    engine = create_engine(fresh_urls["main"], poolclass=NullPool)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def add(connection: Connection, symbol: str, **values: object) -> None:
    row: dict[str, object] = {
        "broker": "zerodha",
        "symbol": symbol,
        "broker_symbol": "S",
        "token": "1",
    }
    row |= {"exchange": "NSE", "last_updated": clock.now()}
    connection.execute(symbols.insert().values(row | values))


def test_rows_and_ids_survive_the_way_up_and_long_symbols_alone_are_lost_on_the_way_back(
    connection: Connection, engine_name: str
) -> None:
    migrate_up(connection, "main")
    (up,) = (each for each in migrations("main", engine_name) if each.stem == FILE)
    add(connection, "X" * 64, contract_value=0.001)
    add(connection, "Y" * 50)
    kept = connection.execute(select(*OLD).where(func.length(symbols.c.symbol) == 50)).all()
    run(connection, up.with_suffix(".rollback.sql"))
    assert connection.execute(select(*OLD)).all() == kept
    with pytest.raises(IntegrityError, match="ck_symbols_symbol_length"), connection.begin_nested():
        add(connection, "X" * 51)
    connection.execute(symbols.delete())
    run(connection, up)
    assert connection.execute(select(symbols)).all() == []
    add(connection, "Z")
    assert connection.execute(select(symbols.c.id)).scalar_one() > kept[0].id
