"""A server that ends connections, restarts, has no room, takes no writes: beside each operation."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import inf
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
pytestmark = [
    pytest.mark.only("postgresql"),
    pytest.mark.timeout(300),
    # the cursor of a stream, which the driver cannot close where its connection is lost
    pytest.mark.filterwarnings("ignore:.*was deleted while still open"),
]
_PID = Query.of(select(func.pg_backend_pid()), int)


def test_a_server_in_trouble(scene: Scene, postgres: PostgresServer) -> None:
    """Of each kind in turn, in one database: a call after it works at once."""
    for trouble in TROUBLES:
        trouble(scene, postgres)


def end_connections(scene: Scene, server: PostgresServer) -> None:
    """Between two statements."""
    strike_at_points(
        "pg_terminate_backend",
        scene,
        ENDED,
        lambda driver: terminate(server, driver.info.backend_pid),
    )


def end_connections_meanwhile(scene: Scene, server: PostgresServer) -> None:
    """Inside a statement, as it happens, or inside one that follows, or when all is done."""
    chance = chance_of(f"ends beside {scene.operation.name}")
    for _ in range(ENDED // 2):
        with ThreadPoolExecutor(1) as beside:

            def end(driver: Any, beside: ThreadPoolExecutor = beside) -> None:
                beside.submit(terminate, server, driver.info.backend_pid)

            with striking(Point.among(scene.steps, chance), end):
                outcome = scene.call()
        scene.judge("pg_terminate_backend, meanwhile", *outcome)


def restart(scene: Scene, server: PostgresServer) -> None:
    """In immediate mode, which is a crash: a container would come back at another port."""
    if (restart := server.restart) is not None:
        strike_at_points("restart, immediate", scene, 1, lambda driver: restart("immediate"))


def lose_an_answer(scene: Scene, server: PostgresServer) -> None:
    """To the first COMMIT."""
    with lose_one_answer():
        outcome = scene.call()
    scene.judge("answer to COMMIT lost", *outcome)


def exhaust_the_pool(scene: Scene, server: PostgresServer) -> None:
    """Somebody else has the only connection."""
    small = replace(scene.settings, db_pool_size=1, db_max_overflow=0, db_pool_timeout=0.05)
    with Store(small) as store, use_store(store), impatient():
        with get_read_session(scene.operation.database) as tx:
            tx.value(_PID)
            outcome = scene.call()
    scene.judge("pool exhausted", *outcome)


def refuse_connections(scene: Scene, server: PostgresServer) -> None:
    """The database has none and lets none in."""
    with refusing(server, scene.settings.database_url), impatient():
        outcome = scene.call()
    scene.judge("connections refused", *outcome)


def take_no_writes(scene: Scene, server: PostgresServer) -> None:
    """As a standby, or after a disk was full."""
    url = scene.settings.database_url
    with Store(scene.settings) as store, use_store(store), impatient():
        with set_of_database(server, url, "default_transaction_read_only", "on"):
            outcome = scene.call()
    scene.judge("read-only server", *outcome)


TROUBLES: tuple[Callable[[Scene, PostgresServer], None], ...] = (
    end_connections, end_connections_meanwhile, restart, lose_an_answer, exhaust_the_pool,
    refuse_connections, take_no_writes,
)  # fmt: skip


def strike_at_points(fault: str, scene: Scene, cases: int, do: Callable[[Any], object]) -> None:
    """Do this at points of so many calls."""
    chance = chance_of(f"{fault} in {scene.operation.name}")
    for _ in range(cases):
        scene.store.epochs.until = (
            -inf
        )  # it looks, whether or not the steps were counted with a look
        with striking(Point.among(scene.steps, chance), do) as strike:
            outcome = scene.call()
        assert strike.is_done
        scene.judge(fault, *outcome)
