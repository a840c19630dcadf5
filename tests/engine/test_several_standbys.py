"""Several standbys behind one URL, each at its own place in the log."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest
from sqlalchemy.engine import make_url

from openalgo_store import LIVE, Settings, Store, get_order, get_read_session, use_store
from tests.engine.conftest import reads_the_replica
from tests.support.rows import add_order, new_user
from tests.support.standby import Pair, Standby
from tests.support.waiting import wait_until

pytestmark = pytest.mark.only("postgresql")


@pytest.fixture
def second(pair: Pair) -> Iterator[Standby]:
    """Another standby of the same primary."""
    standby = pair.new_standby()
    yield standby
    standby.stop()


def with_both(settings: Settings, second: Standby, options: str = "") -> Settings:
    """The same with both standbys in the URL of the replica, the first one first."""
    url = make_url(settings.read_database_url)
    first = f"{url.host}:{url.port}"
    both = f"{first},{second.admin.host}:{second.admin.port}"
    return replace(
        settings, read_database_url=settings.read_database_url.replace(first, both) + options
    )


def test_a_session_reads_the_standby_that_is_known_to_show_what_was_written(
    streamed_settings: Settings, second: Standby, engine_name: str
) -> None:
    """Or the primary, where its connection leads to another one."""
    settings = with_both(streamed_settings, second, "?load_balance_hosts=random")
    with Store(settings) as store, use_store(store):
        user = new_user()
        wait_until(reads_the_replica)
        with ExitStack() as stack:
            for _ in range(20):
                assert get_order("mine", tx=stack.enter_context(get_read_session())) is None
        second.pause()
        add_order(user, "mine", book=LIVE)
        for _ in range(30):
            with ExitStack() as stack:
                for _ in range(10):
                    assert get_order("mine", tx=stack.enter_context(get_read_session()))


def test_what_one_standby_has_replayed_says_nothing_of_the_one_in_its_place(
    streamed_settings: Settings, pair: Pair, second: Standby, engine_name: str
) -> None:
    settings = with_both(streamed_settings, second)
    with Store(settings) as store, use_store(store):
        user = new_user()
        wait_until(reads_the_replica)
        second.pause()
        add_order(user, "mine", book=LIVE)
        wait_until(reads_the_replica)
        pair.standby.stop()
        replica = store.replica
        assert replica is not None
        before = replica._found.server
        wait_until(lambda: bool(get_order("mine") and replica._found.server != before))
        for _ in range(3):
            assert get_order("mine") is not None
        second.resume()
        wait_until(reads_the_replica)
        assert get_order("mine") is not None


def test_a_standby_of_another_server_tells_nothing_of_this_one(
    migrated_settings: Settings, streamed_settings: Settings, engine_name: str
) -> None:
    """Its place is one in another log: it is a copy that somebody else brings up to date."""
    url = streamed_settings.read_database_url
    settings = replace(migrated_settings, read_database_url=url, read_replica_pin=3600)
    with Store(settings) as store, use_store(store):
        assert reads_the_replica()
        new_user()
        assert not reads_the_replica()
        assert store.replica is not None
        assert store.replica.status() == (store.replica.dialect.identity, False, None, None)
