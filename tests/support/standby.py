"""A primary of its own and a standby that streams from it: paused, stopped, promoted at will."""

from itertools import count
from typing import Any

import psycopg
from sqlalchemy.engine import URL, make_url

from tests.support.postgres_server import DEADLINE, PostgresServer, Programs, start_postgres
from tests.support.waiting import wait_until

_POSITION = """
SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
            ELSE pg_current_wal_flush_lsn() END - '0/0'
"""


class Standby:
    """A server that replays what another writes, from a base backup of it on."""

    def __init__(self, primary: PostgresServer, programs: Programs, name: str) -> None:
        self._programs = programs
        self._name = name
        self.is_promoted = False
        programs.run(
            "pg_basebackup", "-h", str(primary.admin.host), "-p", str(primary.admin.port),
            "-U", "postgres", "-D", str(programs.home / name), "-R", "-X", "stream",
            "-c", "fast", "--no-sync",
        )  # fmt: skip
        self.admin = programs.start(name)

    def url(self, url_on_primary: str) -> str:
        """Where a database of the primary is found here."""
        there = self.admin.set(database=make_url(url_on_primary).database)
        return there.render_as_string(hide_password=False)

    def pause(self) -> None:
        """Replay nothing more, until `resume`; what is sent is kept."""
        ask(self.admin, "SELECT pg_wal_replay_pause()")
        state = "SELECT pg_get_wal_replay_pause_state()"
        wait_until(lambda: bool(ask(self.admin, state) == "paused"))

    def resume(self) -> None:
        """Go on."""
        ask(self.admin, "SELECT pg_wal_replay_resume()")

    def stop(self) -> None:
        """At once, as a crash does."""
        self._programs.stop(self._name)

    def start(self) -> None:
        """Again, at the same URL."""
        self._programs.start_again(self._name)

    def promote(self) -> None:
        """It replays nothing any more and may be written."""
        self.is_promoted = True
        ask(self.admin, "SELECT pg_promote()")


class Pair:
    """The primary, and its standby: a new one where the last was promoted."""

    def __init__(self) -> None:
        self.primary = start_postgres(with_programs=True)
        assert self.primary.programs is not None
        self._programs = self.primary.programs
        self._names = (f"standby{number}" for number in count(1))
        try:
            self.standby = self.new_standby()
        except BaseException:
            self.close()
            raise

    def make_ready(self) -> None:
        """Both run, and nothing that was done to them in a test is left."""
        self.start_primary()
        if self.standby.is_promoted:
            self.standby.stop()
            self.standby = self.new_standby()
        try:
            self.standby.resume()
        except psycopg.OperationalError:
            self.standby.start()
        self.wait_for_replay()

    def stop_primary(self) -> None:
        """At once, as a crash does."""
        self._programs.stop("data")

    def start_primary(self) -> None:
        """Again, at the same URL; one that runs goes on."""
        try:
            ask(self.primary.admin, "SELECT 1")
        except psycopg.OperationalError:
            self._programs.start_again("data")

    def wait_for_replay(self) -> None:
        """Until the standby shows what the primary has committed."""
        written = ask(self.primary.admin, _POSITION)
        wait_until(lambda: bool(ask(self.standby.admin, _POSITION) >= written))

    def close(self) -> None:
        self.primary.stop()

    def new_standby(self) -> Standby:
        """Another one, from how the primary is now on."""
        return Standby(self.primary, self._programs, next(self._names))


def ask(server: URL, query: str) -> Any:
    """The single value that a server answers, if it answers with one."""
    conninfo = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(conninfo, autocommit=True, connect_timeout=DEADLINE) as connection:
        found = connection.execute(query.encode())
        row = found.fetchone() if found.description else None
        return row[0] if row else None
