"""The two books: LIVE in main, SANDBOX for paper trading; one code and one SQL for both."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy.types import TypeEngine

from ...engine.queries import Query
from ...engine.sql_files import SqlFile
from ...errors import InvalidInput
from ...records import Row
from ...tables import trading
from ...tables.trading import TradingTables

R = TypeVar("R")


@dataclass(frozen=True, eq=False)
class Book:
    """A set of orders, trades, positions and holdings, and the database that holds it.

    `has_users` says whether the users stand beside it: then an order must be an active user's.
    """

    database: str
    prefix: str
    has_users: bool
    tables: TradingTables = field(repr=False, compare=False)


LIVE = Book("main", prefix="", has_users=True, tables=trading.live)
"""What brokers execute."""

SANDBOX = Book("sandbox", prefix="sandbox_", has_users=False, tables=trading.sandbox)
"""What is only tried out."""

BOOKS = (LIVE, SANDBOX)


def check_book(book: Book) -> Book:
    """The book, if it is one."""
    if not isinstance(book, Book):
        raise InvalidInput(f"book must be LIVE or SANDBOX, not {type(book).__name__}")
    return book


class BookSql:
    """A file of sql/ about one of a book's tables, each statement once for each book.

    A statement of it is used as `tx.one(_get_order[book], …)`.
    """

    def __init__(self, path: str, table: str) -> None:
        self._files = {
            book: SqlFile(path, getattr(book.tables, table), book=book.prefix) for book in BOOKS
        }

    def query(self, name: str, record: type[R], **types: TypeEngine[Any]) -> dict[Book, Query[R]]:
        """The named statement, which returns rows of this record."""
        return {book: file.query(name, record, **types) for book, file in self._files.items()}

    def rows(
        self, name: str, columns: Sequence[str], **types: TypeEngine[Any]
    ) -> dict[Book, Query[Row]]:
        """The named statement as plain rows of these columns."""
        return {book: file.rows(name, columns, **types) for book, file in self._files.items()}

    def command(self, name: str, **types: TypeEngine[Any]) -> dict[Book, Query[None]]:
        """The named statement, which returns no rows."""
        return {book: file.command(name, **types) for book, file in self._files.items()}
