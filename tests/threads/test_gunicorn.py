"""Under gunicorn: 400 requests at once and a real thread, and the end of the server."""

import json
import os
import re
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from socket import create_connection, socket
from time import monotonic, sleep

import pytest
from sqlalchemy import func, select

from openalgo_store import Query, Settings, Store
from openalgo_store.repositories.trading.books import LIVE
from openalgo_store.settings import DATABASES
from openalgo_store.tables.telemetry import application_logs, latency_metrics
from tests.support.waiting import DEADLINE

CLIENTS, REQUESTS = 20, 20
LOST = re.compile(r"Worker .*(was sent SIG(?!TERM)|exited with code)")
"""What gunicorn logs of a worker that did not end as it should, though it ends well itself."""
WORKERS = {"gthread": ["--threads", "20"], "eventlet": [], "gevent": []}

pytestmark = pytest.mark.green


@contextmanager
def served(worker: str, settings: Settings, log: Path, *options: str) -> Iterator[str]:
    """The address of a server, which is ended by SIGTERM as systemd does it."""
    with closing(socket()) as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [
        sys.executable, "-m", "gunicorn", "--workers", "1", "--worker-class", worker,
        *WORKERS[worker], *options, "--bind", address, "tests.programs.green_app:app",
    ]  # fmt: skip
    urls = json.dumps({name: settings.url(name) for name in DATABASES})
    with log.open("w") as output:
        server = subprocess.Popen(
            command, stdout=output, stderr=output, env=os.environ | {"GREEN_APP_URLS": urls}
        )
    try:
        _wait_for(address, server, log)
        yield address
        server.terminate()
        assert server.wait(DEADLINE) == 0, log.read_text()
        assert not LOST.search(log.read_text()), log.read_text()
    finally:
        server.kill()
        server.wait()


def _wait_for(address: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    host, _, port = address.partition(":")
    deadline = monotonic() + DEADLINE
    while True:
        try:
            create_connection((host, int(port))).close()
            return
        except ConnectionRefusedError:
            assert server.poll() is None, log.read_text()
            assert monotonic() < deadline, log.read_text()
            sleep(0.05)


def get(address: str, path: str) -> bytes:
    with urllib.request.urlopen(f"http://{address}/{path}", timeout=DEADLINE) as answer:
        return bytes(answer.read())


@pytest.mark.parametrize(
    ("worker", "options"),
    [("gthread", ()), ("eventlet", ()), ("eventlet", ("--preload",)), ("gevent", ())],
)
def test_four_hundred_requests_are_served_and_the_end_loses_nothing(
    migrated_settings: Settings, tmp_path: Path, worker: str, options: tuple[str, ...]
) -> None:
    log, failed = tmp_path / "gunicorn.log", list[str]()
    with served(worker, migrated_settings, log, *options) as address:
        get(address, "prepare")

        def ask(client: int) -> None:
            try:
                for number in range(REQUESTS):
                    get(address, str(client * REQUESTS + number))
            except OSError as error:
                failed.append(repr(error))

        clients = [threading.Thread(target=ask, args=(number,)) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        get(address, "login")
    assert failed == [], log.read_text()
    with Store(migrated_settings) as store:
        for database, table in (
            ("main", LIVE.tables.trades), ("latency", latency_metrics), ("logs", application_logs),
        ):  # fmt: skip
            with store.transaction(database, readonly=True) as tx:
                count = tx.value(Query.of(select(func.count()).select_from(table), int))
            assert count == CLIENTS * REQUESTS, table.name


@pytest.mark.only("sqlite")
def test_gevent_with_preload_says_that_it_patches_too_late(
    migrated_settings: Settings, tmp_path: Path
) -> None:
    log = tmp_path / "gunicorn.log"
    with served("gevent", migrated_settings, log, "--preload") as address:
        with pytest.raises(OSError, match="500"):
            get(address, "prepare")
    assert "start it without --preload" in log.read_text()
