"""What the tests of the engine begin with."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from time import monotonic

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from openalgo_store import (
    Settings,
    Store,
    Transaction,
    get_read_session,
    get_write_session,
    use_store,
)
from openalgo_store.engine import replica as replicas
from openalgo_store.engine.queries import Query
from openalgo_store.schema.migrate import run_migrations
from openalgo_store.settings import DATABASES
from tests.support.pooler import MISSING, PooledServer, find_pooler, start_pooler
from tests.support.postgres_server import PostgresServer
from tests.support.recycling import RecycledDatabases
from tests.support.rows import add_user
from tests.support.settings import settings_of
from tests.support.standby import Pair

_IS_STANDBY = Query.of(text("SELECT pg_is_in_recovery()"), bool)


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


@pytest.fixture(scope="session")
def pair_of_the_run() -> Iterator[Pair]:
    pair = Pair()
    yield pair
    pair.close()


@pytest.fixture(scope="session")
def databases_of_the_pair(pair_of_the_run: Pair) -> Iterator[RecycledDatabases]:
    """Migrated databases on the primary."""
    url = pair_of_the_run.primary.create_database()
    for name in DATABASES:
        run_migrations(url, name)
    with closing(RecycledDatabases(pair_of_the_run.primary, url)) as recycled:
        yield recycled


@pytest.fixture
def pair(pair_of_the_run: Pair) -> Iterator[Pair]:
    """A primary and a standby that streams."""
    yield pair_of_the_run
    pair_of_the_run.make_ready()


@pytest.fixture
def streamed_settings(pair: Pair, databases_of_the_pair: RecycledDatabases) -> Iterator[Settings]:
    """Settings of an empty database of the pair; only what the standby tells lets it be read."""
    url = databases_of_the_pair.take()
    pair.wait_for_replay()
    yield replace(
        settings_of(dict.fromkeys(DATABASES, url)),
        read_database_url=pair.standby.url(url),
        read_replica_pin=3600,
        read_replica_max_lag=0,
    )
    pair.make_ready()
    databases_of_the_pair.give_back(url)


@pytest.fixture
def streaming(streamed_settings: Settings) -> Iterator[Store]:
    """A store whose replica is a standby; it is the current one."""
    with Store(streamed_settings) as opened, use_store(opened):
        yield opened


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A function that lets so many seconds pass for what is known of replicas."""
    passed = [0.0]
    monkeypatch.setattr(replicas, "monotonic", lambda: monotonic() + sum(passed))
    return passed.append


def reads_the_replica(tx: Transaction | None = None) -> bool:
    """Whether a read session, or this one, is served by a standby, as the server tells."""
    if tx is None:
        with get_read_session() as tx:
            return reads_the_replica(tx)
    found: bool | None = tx.value(_IS_STANDBY)
    return bool(found)
