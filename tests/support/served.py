"""Programs of examples/ as they are run: in a folder with its .env, asked by HTTP on a port."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from email.message import Message
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError

from openalgo_store import Settings
from openalgo_store.settings import DATABASES, variable_of
from tests.support.waiting import DEADLINE, wait_until

ROOT = Path(__file__).resolve().parents[2]
_ADDRESS = re.compile(r"(?:Listening at:|running on) (http://127\.0\.0\.1:\d+)")


class Answer(NamedTuple):
    """What a server said."""

    status: int
    headers: Message
    text: str


class Served:
    """A server at its address; it keeps the cookie that it gives."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.cookie = ""

    def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] = {}
    ) -> Answer:
        """A request; a body that is not bytes goes as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", "Cookie": self.cookie, **headers}
        request = urllib.request.Request(
            self._address + path, None if body is None else data, sent, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE) as response:
                answer = Answer(response.status, response.headers, response.read().decode())
        except HTTPError as error:
            with error:
                answer = Answer(error.code, error.headers, error.read().decode())
        self.cookie = (answer.headers["Set-Cookie"] or self.cookie).partition(";")[0]
        return answer


def write_env_file(settings: Settings, **rest: Any) -> None:
    """The .env of the current folder: these databases, small pools, and the rest."""
    values = {variable_of(name): settings.url(name) for name in DATABASES}
    values |= {"DB_POOL_SIZE": "5", "DB_MAX_OVERFLOW": "0", "DB_POOLER": settings.db_pooler} | rest
    lines = [f"{name}='{value}'\n" for name, value in values.items()]
    Path(".env").write_text("".join(lines))


def start(*arguments: str, **options: Any) -> "subprocess.Popen[str]":
    """A program of Python in the current folder, which finds examples/ and nothing of ours else."""
    ours = {each.name.upper() for each in fields(Settings)}
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    environment |= {"PYTHONPATH": str(ROOT), "HOME": str(Path.cwd())}  # where gunicorn has a socket
    environment.pop("XDG_RUNTIME_DIR", None)  # or there
    return subprocess.Popen(
        [sys.executable, "-m", *arguments], env=environment, text=True, **options
    )


@contextmanager
def served(log: Path, *arguments: str) -> Iterator[Served]:
    """A server, until SIGTERM. It says in its log at which address it is."""
    with log.open("w") as output:
        server = start(*arguments, stdout=output, stderr=output)
    try:
        wait_until(lambda: bool(_ADDRESS.search(log.read_text())) or server.poll() is not None)
        found = _ADDRESS.search(log.read_text())
        assert found, log.read_text()
        yield Served(found[1])
        server.terminate()
        assert server.wait(DEADLINE) in (0, -signal.SIGTERM), log.read_text()  # uvicorn: by it
        assert "Traceback" not in log.read_text(), log.read_text()
    finally:
        server.kill()
        server.wait()
