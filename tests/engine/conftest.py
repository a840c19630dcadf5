"""What the tests of the engine begin with."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy.engine import make_url

from openalgo_store import Settings, Store, get_write_session
from openalgo_store.settings import DATABASES
from tests.support.pooler import MISSING, PooledServer, find_pooler, start_pooler
from tests.support.postgres_server import PostgresServer
from tests.support.rows import add_user


@pytest.fixture
def with_asha(store: Store) -> Store:
    with get_write_session() as tx:
        add_user(tx, "asha")
    return store


@pytest.fixture
def other_thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture(scope="session")
def pooler(postgres: PostgresServer) -> Iterator[PooledServer]:
    """A pooler before the server of this test run."""
    if find_pooler() is None:
        pytest.skip(MISSING)
    pooled = start_pooler(postgres)
    yield pooled
    pooled.stop()


@pytest.fixture
def pooled_settings(migrated_settings: Settings, pooler: PooledServer) -> Iterator[Settings]:
    """Settings of migrated, empty databases behind the pooler."""
    name = str(make_url(migrated_settings.database_url).database)
    others = {f"{each}_database_url": pooler.url(name) for each in DATABASES[1:]}
    yield replace(
        migrated_settings,
        database_url=pooler.url(name),
        db_pooler="transaction",
        **others,  # type: ignore[arg-type]
    )
    pooler.disconnect(name)


@pytest.fixture(params=["direct", "pooled"])
def either_way(request: pytest.FixtureRequest, engine_name: str) -> Settings:
    """Settings of a server without and with a pooler before it."""
    name = {"direct": "migrated_settings", "pooled": "pooled_settings"}[request.param]
    found: Settings = request.getfixturevalue(name)
    return found
