"""A primary that is gone: its standby is promoted, and whose URL names both writes on."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess

import pytest
from sqlalchemy.engine import make_url

from openalgo_store import (
    Settings,
    Store,
    Unavailable,
    create_api_key,
    get_user_by_api_key,
    get_write_session,
    use_store,
)
from openalgo_store.settings import DATABASES
from openalgo_store.settings.urls import normalise_url
from tests.engine.test_availability import add_alone, be_idle, names_alone
from tests.support.rows import add_user, names, new_user
from tests.support.settings import settings_of
from tests.support.standby import Pair
from tests.support.waiting import DEADLINE

pytestmark = [
    pytest.mark.only("postgresql"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork"),
]


@pytest.fixture
def either_host(streamed_settings: Settings, pair: Pair) -> Iterator[Store]:
    """A store whose URL names both servers, and the one that takes writes is meant."""
    there = streamed_settings.database_url
    first, second = make_url(there), make_url(pair.standby.url(there))
    hosts = ",".join(f"{each.host}:{each.port}" for each in (first, second))
    url = normalise_url(
        f"postgresql://{first.username}:{first.password}@{hosts}/{first.database}"
        "?target_session_attrs=read-write",
        "DATABASE_URL",
    )
    settings = replace(settings_of(dict.fromkeys(DATABASES, url)), api_key_pepper="p" * 40)
    with Store(settings) as opened, use_store(opened):
        yield opened


def test_a_store_of_both_hosts_writes_on_when_the_standby_is_promoted(
    either_host: Store, pair: Pair, engine_name: str
) -> None:
    user = new_user("before")
    issued = create_api_key(user)
    assert get_user_by_api_key(issued.api_key) is not None
    be_idle(4)
    child, line = forked_writer()
    pair.wait_for_replay()
    with ExitStack() as stack:
        interrupted = stack.enter_context(pytest.raises(Unavailable))
        add_user(stack.enter_context(get_write_session()), "lost")
        pair.stop_primary()
    assert interrupted.value.outcome_unknown
    for write in (lambda: add_alone("nobody"), lambda: new_user("nobody")):
        with pytest.raises(Unavailable):  # the standby takes none yet
            write()
    pair.standby.promote()
    add_alone("alone")
    new_user("in a session")
    assert names() == names_alone() == ["before", "alone", "in a session"]
    found = get_user_by_api_key(issued.api_key)
    assert found is not None
    assert found.id == user
    line.send("go on")
    child.join(DEADLINE)
    assert child.exitcode == 0
    assert names() == ["before", "alone", "in a session", "child"]


def test_connections_that_lay_idle_over_the_failover_cost_a_write_alone_nothing(
    either_host: Store, pair: Pair, engine_name: str
) -> None:
    be_idle(4)
    pair.wait_for_replay()
    pair.stop_primary()
    pair.standby.promote()
    for number in range(5):
        add_alone(f"user{number}")
    assert names() == [f"user{number}" for number in range(5)]


def forked_writer() -> tuple[ForkProcess, Connection]:
    """A child with connections of its own, which writes when it is told to."""
    line, its_end = Pipe()
    child = get_context("fork").Process(target=write_when_told, args=(its_end,))
    child.start()
    assert line.recv() == ["before"]
    return child, line


def write_when_told(line: Connection) -> None:
    line.send(names())
    line.recv()
    new_user("child")
