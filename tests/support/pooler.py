"""A throw-away PgBouncer before the server of the tests: transaction pooling, as in production.

OPENALGO_TEST_POOLER=transaction lets every test of PostgreSQL go through it.
"""

import os
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import URL

from tests.support.postgres_server import DEADLINE, PostgresServer, server_user
from tests.support.waiting import wait_until

MISSING = (
    "no pgbouncer on this machine: `apt-get install pgbouncer` (Debian, Ubuntu), "
    "`dnf install pgbouncer` (Fedora) or `brew install pgbouncer`; 1.18 or later"
)

_CONFIGURATION = """
[databases]
* = host={server.host} port={server.port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {home}/users.txt
admin_users = {server.username}
pool_mode = transaction
server_round_robin = 1
max_client_conn = 500
default_pool_size = 50
query_wait_timeout = {deadline}
server_login_retry = 1
"""
"""Round robin: whoever relies on the session that he had before is found out."""


@dataclass(frozen=True, kw_only=True)
class PooledServer(PostgresServer):
    """A server and a PgBouncer before it: databases are made on the one, their URLs name the other.

    `console` is where the pooler takes commands.
    """

    console: URL

    def url(self, name: str) -> str:
        return self.console.set(database=name).render_as_string(hide_password=False)

    def disconnect(self, name: str) -> None:
        """End the pooler's own connections, without which a database can be copied or dropped."""
        conninfo = self.console.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(conninfo, autocommit=True, connect_timeout=DEADLINE) as console:
            known = {str(row[0]) for row in console.execute("SHOW DATABASES")}
            if name in known:
                console.execute(f'KILL "{name}"'.encode())
                console.execute(f'RESUME "{name}"'.encode())


def find_pooler() -> str | None:
    """The program, which Debian puts where only root looks; None where it is missing."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def start_pooler(server: PostgresServer) -> PooledServer:
    """A PgBouncer before this server; `stop` ends the pooler alone."""
    program = find_pooler()
    if program is None:
        raise RuntimeError(MISSING)
    home = Path(tempfile.mkdtemp(prefix="openalgo-pooler-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    console = server.admin.set(host="127.0.0.1", port=port, database="pgbouncer")
    (home / "users.txt").write_text(f'"{server.admin.username}" "{server.admin.password}"\n')
    (home / "pooler.ini").write_text(
        _CONFIGURATION.format(server=server.admin, port=port, home=home, deadline=DEADLINE)
    )
    for path in (home, *home.iterdir()):
        if user := server_user():
            os.chown(path, user["user"], user["group"])
    with (home / "log").open("w") as log:
        process = subprocess.Popen(  # it ends when told to, or when this process is gone
            ["sh", "-c", '"$0" "$1" & read line; kill $!; wait', program, home / "pooler.ini"],
            stdin=subprocess.PIPE, stdout=log, stderr=log, text=True, cwd=home,
            start_new_session=True, **server_user(),
        )  # fmt: skip

    def stop() -> None:
        process.communicate("stop\n", timeout=DEADLINE)
        shutil.rmtree(home, ignore_errors=True)

    same: dict[str, Any] = {each.name: getattr(server, each.name) for each in fields(server)}
    pooled = PooledServer(**same | {"stop": stop, "console": console})
    try:
        wait_until(lambda: _answers(pooled))
    except AssertionError:
        said = (home / "log").read_text()
        stop()
        raise RuntimeError(f"pgbouncer does not start: {said}") from None
    return pooled


def _answers(pooled: PooledServer) -> bool:
    try:
        pooled.disconnect("")
    except psycopg.OperationalError:
        return False
    return True
