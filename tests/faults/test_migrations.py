"""Migrations whose process is killed, or whose connection ends, between any two statements."""

import json
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import pytest

from openalgo_store.schema.migrate import run_migrations
from tests.faults.report import REPORT
from tests.faults.scene import outcome_of
from tests.faults.steps import Point, stepping, striking
from tests.faults.victim import kill
from tests.schema.test_migrating_processes import assert_each_recorded_once, schema
from tests.support.chance import SOAK, chance_of
from tests.support.forked import Forked
from tests.support.postgres_server import PostgresServer
from tests.support.server_faults import terminate
from tests.support.settings import Urls

KILLS = 10
pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(not SOAK, reason="tests/schema has a smaller one"),
]


def migrate(urls: Urls) -> None:
    """Bring all of them up."""
    for name, url in urls.items():
        run_migrations(url, name)


def count_steps(urls: Urls) -> int:
    """How many steps it takes to bring them up."""
    steps = list[int]()
    with stepping(before=lambda driver: steps.append(1)):
        migrate(urls)
    return len(steps)


def migrate_until_killed(line: Connection, urls: str, point: tuple[int, bool]) -> None:
    signal.alarm(100)  # never outlive the test
    with line, striking(Point(*point), kill):
        migrate(json.loads(urls))


def test_a_killed_migration_is_brought_up_by_the_next_start(
    new_urls: Callable[[], Urls], engine_name: str
) -> None:
    clean = new_urls()
    steps, chance = count_steps(clean), chance_of("kills of migrations")
    for _ in range(KILLS):
        urls = new_urls()
        victim = Forked(migrate_until_killed, json.dumps(urls), Point.among(steps, chance))
        victim.last_words()
        assert victim.exit_code == -signal.SIGKILL
        migrate(urls)
        check(urls, clean)
        REPORT.row("SIGKILL in migrations", engine_name).add("killed", is_sound=True)


@pytest.mark.only("postgresql")
def test_a_migration_whose_connection_ends_is_brought_up_by_the_next_start(
    new_urls: Callable[[], Urls], postgres: PostgresServer, engine_name: str
) -> None:
    clean = new_urls()
    steps, chance = count_steps(clean), chance_of("connections of migrations")
    for _ in range(KILLS):
        urls = new_urls()

        def end(driver: Any) -> None:
            terminate(postgres, driver.info.backend_pid)

        with striking(Point.among(steps, chance), end):
            outcome, error = outcome_of(lambda urls=urls: migrate(urls))  # type: ignore[misc]
        migrate(urls)
        check(urls, clean)
        row = REPORT.row("pg_terminate_backend in migrations", engine_name)
        row.add(f"{error}: {outcome}", is_sound=True)


def check(urls: Urls, clean: Urls) -> None:
    """Each migration was applied once, and what they make is whole."""
    assert_each_recorded_once(urls)
    assert schema(urls) == schema(clean)
