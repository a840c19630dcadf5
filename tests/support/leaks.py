"""Every password, key and token that a test uses, and where it must not turn up afterwards."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from openalgo_store import StoreError
from openalgo_store.security import passwords
from openalgo_store.security.cipher import TokenCipher
from openalgo_store.security.secrets import Secrets
from openalgo_store.settings import project_folder

_LEAST = 8
"""Shorter texts stand anywhere by chance."""
_PUBLIC = "\n".join(
    path.read_text(encoding="utf-8")
    for folder in ("sql", "migrations")
    for path in project_folder(folder).rglob("*.sql")
)
"""What hypothesis also takes texts from: the name of a column stands in every database."""

_TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace
AND relkind = 'r' AND pg_relation_size(oid) > 0
"""
_READ = sql.SQL("SELECT {}, string_agg(t::text, E'\\n') FROM {} AS t")


class Leaks:
    """Notes the secrets that pass through security/ and the messages of every StoreError."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.secrets: set[str] = set()
        self.messages: list[str] = []
        self._note(patch, passwords, "_encoded", 0)
        self._note(patch, Secrets, "digest", 1)
        self._note(patch, TokenCipher, "seal", 1)
        original = StoreError.__init__

        def noting(error: StoreError, *arguments: object) -> None:
            self.messages.append(" ".join(map(str, arguments)))
            original(error, *arguments)

        patch.setattr(StoreError, "__init__", noting)

    def _note(self, patch: pytest.MonkeyPatch, owner: Any, name: str, place: int) -> None:
        original: Callable[..., Any] = getattr(owner, name)

        @functools.wraps(original)
        def noting(*arguments: Any, **named: Any) -> Any:
            secret = arguments[place] if len(arguments) > place else None
            if isinstance(secret, str):
                self.note(secret)
            return original(*arguments, **named)

        patch.setattr(owner, name, noting)

    def note(self, secret: str) -> None:
        """This must not turn up."""
        if len(secret) >= _LEAST and secret not in self.secrets and secret not in _PUBLIC:
            self.secrets.add(secret)

    def check(self, place: str, content: bytes) -> None:
        """Fail if one of the secrets stands in the content."""
        for secret in self.secrets:
            found = secret.encode(errors="surrogatepass") in content
            assert not found, f"{place} holds the secret {secret!r}"

    def check_files(self, folder: Path) -> None:
        """Every database file below a folder, its log included."""
        for path in (*folder.rglob("*.db"), *folder.rglob("*.db-wal")):
            if self.secrets and path.is_file():
                self.check(path.name, path.read_bytes())

    def check_server(self, url: str) -> None:
        """Every table of a PostgreSQL database, as text."""
        if not self.secrets:
            return
        target = make_url(url).set(drivername="postgresql")
        with psycopg.connect(target.render_as_string(hide_password=False)) as connection:
            self.check_tables(connection)

    def check_tables(self, connection: psycopg.Connection[Any]) -> None:
        """Every table of the database of a connection, as text."""
        if not self.secrets:
            return
        tables = connection.execute(_TABLES).fetchall()
        reads = [_READ.format(sql.Literal(name), sql.Identifier(name)) for (name,) in tables]
        for table, rows in connection.execute(sql.SQL(" UNION ALL ").join(reads)):
            self.check(table, (rows or "").encode())
