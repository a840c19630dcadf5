"""SIGKILL anywhere: what a process told of stands whole, what it was at stands whole or not."""

import signal
import time

import pytest

from tests.faults.scene import Scene
from tests.faults.steps import Point
from tests.faults.victim import CALLS, start
from tests.support.chance import SOAK, chance_of
from tests.support.postgres_server import PostgresServer
from tests.support.server_faults import wait_for_the_dead

KILLS = 6 if SOAK else 2
"""Of each operation; every third at a moment, which may be inside a statement."""
pytestmark = pytest.mark.timeout(300)


def test_a_killed_process_leaves_each_call_whole_or_undone(
    scene: Scene, server: PostgresServer | None
) -> None:
    chance = chance_of(f"kills of {scene.operation.name}")
    for kill in range(KILLS):
        if scene.calls_left <= CALLS:
            break
        is_timed = kill % 3 == 2
        point = Point(0, True) if is_timed else Point.among(scene.steps + 2, chance)
        victim = start(scene.settings, scene.operation.name, scene.number, point)
        assert victim.hear() == "ready"
        if is_timed:
            time.sleep(chance.uniform(0, 1.5 * scene.seconds))
            told = victim.kill()
        else:
            told = victim.last_words()
        assert victim.exit_code == -signal.SIGKILL
        if server is not None:
            wait_for_the_dead(server)
        scene.judge_the_dead(f"SIGKILL at a {'moment' if is_timed else 'statement'}", len(told))
