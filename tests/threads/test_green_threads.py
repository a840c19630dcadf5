"""Under eventlet and gevent the store serves green threads and real ones, and lets others run.

Each program is a process of its own, since a patch holds for a whole process.
"""

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from openalgo_store import Query, Settings, Store
from openalgo_store.tables.telemetry import latency_metrics
from tests.programs.green import LEFT, LIBRARIES, start
from tests.support.processes import let_go, wait_until_ready

with_a_patch = pytest.mark.parametrize("library", LIBRARIES[1:])
with_and_without_a_patch = pytest.mark.parametrize("library", LIBRARIES)
COUNT = Query.of(select(func.count()).select_from(latency_metrics), int)
SMOOTH = 0.1
"""Seconds for which others may be kept from running."""


def check_every_function(library: str, settings: Settings, threads: int) -> None:
    process = start(library, "every_function", settings, str(threads))
    assert process.stdout is not None
    found = json.loads(process.stdout.readline() or "null")
    end_by_sigterm(process, -signal.SIGTERM)
    assert (found["errors"], found["left_out"]) == ([], [])
    assert found["flushed"]
    assert found["filled"] == (threads + 1) * 10
    assert found["lines"] == found["expected_lines"]
    assert recorded(settings) == found["latencies"] + LEFT


def end_by_sigterm(process: "subprocess.Popen[str]", code: int) -> None:
    """Send it when the program is ready for it, and most of the time in its hub."""
    assert process.stdout is not None
    if process.stdout.readline() == "ready\n":
        process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert "Traceback" not in err, err


def seen_by(process: "subprocess.Popen[str]") -> Any:
    """What the program printed; it raised nothing, nor did its hub."""
    out, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    assert "Traceback" not in err, err
    return json.loads(out.splitlines()[-1])


def recorded(settings: Settings) -> int | None:
    """How many latencies are stored."""
    with Store(settings) as store, store.transaction("latency", readonly=True) as tx:
        return tx.value(COUNT)


@with_a_patch
def test_every_function_works_in_green_threads_and_sigterm_loses_nothing(
    library: str, migrated_settings: Settings
) -> None:
    check_every_function(library, migrated_settings, 3)


@pytest.mark.parametrize(
    "patch",
    [
        "import eventlet; eventlet.monkey_patch()",
        pytest.param("import gevent.monkey; gevent.monkey.patch_all()", marks=pytest.mark.green),
    ],
)
@pytest.mark.parametrize(
    "use",
    [
        "openalgo_store.Store(settings)",
        pytest.param("openalgo_store.get_user(1)",
                     marks=pytest.mark.green),
        pytest.param("openalgo_store.record_latency('A1', 'zerodha', 'place_order', now, now)",
                     marks=pytest.mark.green),
    ],
)  # fmt: skip
@pytest.mark.only("sqlite")
def test_a_patch_after_the_import_is_refused_before_anything_can_hang(
    migrated_settings: Settings, patch: str, use: str
) -> None:
    program = (
        "import datetime, openalgo_store\n"
        f"settings = openalgo_store.Settings(database_url={migrated_settings.database_url!r})\n"
        "store = openalgo_store.Store(settings)\n"
        "openalgo_store.use_store(store)\n"
        "now = datetime.datetime.now(datetime.UTC)\n"
        f"{patch}\n{use}"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert ended.stderr.splitlines()[-1].startswith("openalgo_store.errors.ConfigurationError: ")
    assert "in the first line of the program" in ended.stderr


@pytest.mark.green
@with_and_without_a_patch
def test_twenty_green_threads_and_a_real_one_call_every_function(
    library: str, migrated_settings: Settings
) -> None:
    check_every_function(library, migrated_settings, 20)


@pytest.mark.green
@with_a_patch
@pytest.mark.parametrize(("before", "code"), [("default", -signal.SIGTERM), ("exit", 7)])
def test_sigterm_goes_on_as_it_would_have(
    library: str, migrated_settings: Settings, before: str, code: int
) -> None:
    process = start(library, "end_by_sigterm", migrated_settings, before)
    end_by_sigterm(process, code)
    assert recorded(migrated_settings) == LEFT


@pytest.mark.green
@with_a_patch
@pytest.mark.only("sqlite")
def test_others_run_while_a_green_thread_waits_for_a_writer_of_another_process(
    library: str, migrated_settings: Settings
) -> None:
    process = start(library, "wait_for_a_writer", migrated_settings)
    wait_until_ready(process)
    file = str(make_url(migrated_settings.database_url).database)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        let_go(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        other.execute("COMMIT")
    assert seen_by(process) == {"errors": [], "users": ["asha", "binod"]}


@pytest.mark.green
@with_and_without_a_patch
def test_others_run_while_twenty_thousand_symbols_load_and_while_passwords_are_hashed(
    library: str, engine_name: str, migrated_settings: Settings, pytestconfig: pytest.Config
) -> None:
    found = seen_by(start(library, "load_symbols", migrated_settings, "20000"))
    stalls = {name: f"{seconds * 1000:.0f} ms" for name, seconds in found["stalls"].items()}
    writer = pytestconfig.get_terminal_writer()
    writer.line(f"\n{library} on {engine_name}: others were kept waiting for at most {stalls}")
    assert found["errors"] == []
    assert max(found["stalls"].values()) < SMOOTH


@pytest.mark.green
@with_and_without_a_patch
@pytest.mark.only("sqlite")
def test_the_writer_logs_beside_green_threads_that_log(
    library: str, migrated_settings: Settings
) -> None:
    found = seen_by(start(library, "log_beside_green_threads", migrated_settings))
    assert found == {"errors": [], "lines": 4000, "slow": 20}


@pytest.mark.green
@with_and_without_a_patch
def test_green_threads_and_a_real_one_wait_for_few_connections_and_for_each_others_rows(
    library: str, migrated_settings: Settings
) -> None:
    found = seen_by(start(library, "share_few_connections", migrated_settings))
    assert found == {"errors": []}


@pytest.mark.green
@with_a_patch
def test_a_green_thread_that_is_ended_inside_a_session_leaves_nothing_held(
    library: str, migrated_settings: Settings
) -> None:
    found = seen_by(start(library, "end_green_threads", migrated_settings))
    assert found == {"ended": 30, "users": ["binod"]}
