"""How long after a commit other processes still tell what was before it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from time import monotonic, sleep

import pytest
from sqlalchemy import text

from openalgo_store import (
    Settings,
    Store,
    create_api_key,
    create_user,
    get_engine,
    replace_symbols,
    revoke_api_key,
    revoke_auth_token,
    save_auth_token,
    update_user,
    use_store,
)
from tests.contract.accounts.conftest import MARKS
from tests.programs.coherence import (
    KINDS,
    NAMED_KEY,
    Told,
    broker_number,
    key_number,
    one_share,
    settings_for,
    start,
)
from tests.support.chance import SOAK
from tests.support.forked import Program
from tests.support.processes import let_go, wait_until_ready

pytestmark = pytest.mark.timeout(900)
_PAUSE = 0.02
"""Seconds in which a value is asked for, before it changes again."""
_SLOW = 5.0
"""Seconds: where more pass nothing is coherent, however slow the machine is."""


@pytest.fixture
def writer(migrated_settings: Settings) -> Iterator[Store]:
    """The process that makes the changes, which is this one."""
    with Store(settings_for(migrated_settings)) as store, use_store(store):
        create_user("name 0", "asha@example.org", MARKS)
        create_api_key(1, generate=lambda: NAMED_KEY)
        save_auth_token(1, "zerodha", "0")
        replace_symbols(one_share(1), "zerodha")
        yield store


@pytest.mark.parametrize("busy", [0, 8 if SOAK else 1], ids=["idle threads", "busy threads"])
def test_other_processes_follow_within_the_lease(
    writer: Store, soak: Callable[[int], int], busy: int, tell: Callable[[str], None]
) -> None:
    keys = prepare(soak(1000) // len(KINDS))
    with readers(writer, busy=busy) as (processes, said):
        committed = change_everything(keys)
    lags = [lag for told in said for lag in lags_of(committed, told)]
    report(writer, f"{len(processes)} processes, {busy} busy threads each", lags, tell)


@pytest.mark.only("postgresql")
def test_other_processes_follow_while_the_server_ends_their_connections(
    writer: Store, soak: Callable[[int], int], tell: Callable[[str], None]
) -> None:
    keys = prepare(soak(1000) // len(KINDS))
    with readers(writer) as (processes, said):
        committed = change_everything(keys, disturb=end_the_connections_of_readers)
    lags = [lag for told in said for lag in lags_of(committed, told)]
    report(writer, f"{len(processes)} processes, connections ended", lags, tell)


@contextmanager
def readers(writer: Store, *, busy: int = 0) -> Iterator[tuple[list[Program], list[Told]]]:
    """Processes that ask; what they were told is known at the end."""
    said: list[Told] = []
    settings = writer.settings
    if settings.database_url.startswith("postgresql"):
        settings = replace(
            settings, database_url=f"{settings.database_url}?application_name=reader"
        )
    processes = [start(settings, busy=busy) for _ in range(3 if SOAK else 2)]
    try:
        wait_until_ready(*processes)
        yield processes, said
        let_go(*processes)
        for process in processes:
            out, err = process.communicate(timeout=60)
            assert process.returncode == 0, err
            said.append(json.loads(out))
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def prepare(count: int) -> list[int]:
    """Have so many keys and logins to end; the ids of the keys."""
    for number in range(count):
        save_auth_token(1, broker_number(number), "token")
    return [create_api_key(1, generate=partial(key_number, n)).id for n in range(count)]


def change_everything(
    keys: list[int], disturb: Callable[[], object] = lambda: None
) -> dict[str, dict[int, float]]:
    """By kind the moment at which each change was committed."""
    committed = {kind: dict[int, float]() for kind in KINDS}
    for number, key in enumerate(keys):
        if number % 10 == 0:
            disturb()
        changes: tuple[Callable[[], object], ...] = (
            partial(update_user, 1, username=f"name {number + 1}"),
            partial(save_auth_token, 1, "zerodha", str(number + 1)),
            partial(revoke_api_key, key),
            partial(revoke_auth_token, 1, broker_number(number)),
            partial(replace_symbols, one_share(number + 2), "zerodha"),
        )
        for kind, change in zip(KINDS, changes, strict=True):
            change()
            committed[kind][number] = monotonic()
        sleep(_PAUSE)
    return committed


def lags_of(committed: dict[str, dict[int, float]], told: Told) -> Iterator[tuple[str, float]]:
    """For each change how long after it the value before was told, 0 where it was not."""
    before = {"a rename": "name {}", "a symbol loaded": "{1}"}
    for kind, moments in committed.items():
        assert told[kind], f"nobody asked for {kind}"
        for number, moment in moments.items():
            old = before.get(kind, "{}").format(number, number + 1)
            yield kind, max(0.0, told[kind].get(old, 0.0) - moment)


def report(
    writer: Store, what: str, lags: list[tuple[str, float]], tell: Callable[[str], None]
) -> None:
    """Tell what was measured; what a machine is too slow for is no failure."""
    lease = writer.epochs.lease * 1000
    name = writer.databases["main"].name
    for kind in KINDS:
        found = sorted(lag * 1000 for each, lag in lags if each == kind)
        p50, p99 = (found[int(len(found) * share)] for share in (0.5, 0.99))
        line = (
            f"{name}, lease {lease:g} ms, {what}: {kind}, {len(found)} answers: "
            f"p50 {p50:.1f}, p99 {p99:.1f}, max {found[-1]:.1f} ms after the commit"
        )
        tell(line)
        assert found[-1] < _SLOW * 1000, line


def end_the_connections_of_readers() -> None:
    """All that they have just now."""
    with get_engine().connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name = 'reader'"
            )
        )
