"""A server that ends connections, restarts, has no room, takes no writes: beside each operation."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from openalgo_store import Store, get_read_session, use_store
from openalgo_store.engine.queries import Query
from tests.faults.operation import impatient
from tests.faults.scene import Scene
from tests.faults.steps import Point, striking
from tests.support.chance import SOAK, chance_of
from tests.support.endings import lose_one_answer
from tests.support.postgres_server import PostgresServer
from tests.support.server_faults import refusing, set_of_database, terminate

ENDED = 6 if SOAK else 2
"""How often the connection of each operation is ended."""
pytestmark = [pytest.mark.only("postgresql"), pytest.mark.timeout(300)]
_PID = Query.of(select(func.pg_backend_pid()), int)


def strike_at_points(fault: str, scene: Scene, cases: int, do: Callable[[Any], object]) -> None:
    """Do this at points of so many calls."""
    chance = chance_of(f"{fault} in {scene.operation.name}")
    for _ in range(cases):
        with striking(Point.among(scene.steps, chance), do) as strike:
            outcome = scene.call()
        assert strike.is_done
        scene.judge(fault, *outcome)


def test_a_connection_that_the_server_ends_between_two_statements(
    scene: Scene, postgres: PostgresServer
) -> None:
    strike_at_points(
        "pg_terminate_backend",
        scene,
        ENDED,
        lambda driver: terminate(postgres, driver.info.backend_pid),
    )


def test_a_connection_that_the_server_ends_while_the_call_goes_on(
    scene: Scene, postgres: PostgresServer
) -> None:
    """Inside a statement, as it happens, or inside one that follows, or when all is done."""
    chance = chance_of(f"ends beside {scene.operation.name}")
    for _ in range(ENDED // 2):
        with ThreadPoolExecutor(1) as beside:

            def end(driver: Any, beside: ThreadPoolExecutor = beside) -> None:
                beside.submit(terminate, postgres, driver.info.backend_pid)

            with striking(Point.among(scene.steps, chance), end):
                outcome = scene.call()
        scene.judge("pg_terminate_backend, meanwhile", *outcome)


def test_a_server_that_is_restarted_in_immediate_mode(
    scene: Scene, postgres: PostgresServer
) -> None:
    if postgres.restart is None:
        pytest.skip(f"a server by {postgres.way} cannot be restarted at its URL")
    restart = postgres.restart
    strike_at_points("restart, immediate", scene, 1, lambda driver: restart("immediate"))


def test_an_answer_to_commit_that_is_lost(scene: Scene, engine_name: str) -> None:
    with lose_one_answer():
        outcome = scene.call()
    scene.judge("answer to COMMIT lost", *outcome)


def test_a_pool_whose_only_connection_is_in_use(scene: Scene, engine_name: str) -> None:
    small = replace(scene.settings, db_pool_size=1, db_max_overflow=0, db_pool_timeout=0.05)
    with Store(small) as store, use_store(store), impatient():
        with get_read_session(scene.operation.database) as tx:
            tx.value(_PID)
            outcome = scene.call()
    scene.judge("pool exhausted", *outcome)


def test_a_database_that_refuses_connections_for_a_while(
    scene: Scene, postgres: PostgresServer
) -> None:
    with refusing(postgres, scene.settings.database_url), impatient():
        outcome = scene.call()
    scene.judge("connections refused", *outcome)


def test_a_server_that_takes_no_writes(scene: Scene, postgres: PostgresServer) -> None:
    url = scene.settings.database_url
    with set_of_database(postgres, url, "default_transaction_read_only", "on"):
        with Store(scene.settings) as store, use_store(store), impatient():
            outcome = scene.call()
    scene.judge("read-only server", *outcome)
