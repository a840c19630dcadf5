"""Whether what is stored can be, opens, and adds up."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ..engine.transaction import Transaction
from ..errors import ConfigurationError
from ..records.trading import BookDifference
from ..repositories.accounts.auth_tokens import find_closed_tokens
from ..repositories.accounts.sentinels import check_secrets
from ..repositories.symbols.contradictions import find_contradictions
from ..repositories.trading.books import BOOKS
from ..repositories.trading.checks import check_book_sums
from ..sessions import reading
from ..settings import DATABASES
from ..store import current_store
from ..tables.accounts import auth_tokens
from ..tables.symbols import symbols
from .row_rules import RowRules

_SQL = "write what it should be with SQL, or delete the row"
_STORAGE = "restore a backup; an index alone is mended by REINDEX"
_SECRETS = "put the secrets back that the database was made with"
_TOKENS = "log in at the broker again, or add the key that sealed it to TOKEN_ENCRYPTION_KEYS"
_SYMBOLS = "load the broker's file again"
_BOOKS = "report the order again, or the broker's positions"
_LATER = "mend these rows, then check again"


class Finding(NamedTuple):
    """Something that is not as it should be, and the mend; row_id is None where it is no row."""

    database: str
    table: str
    row_id: Any
    what: str
    mend: str


def check_books() -> Iterator[BookDifference]:
    """What does not add up in the live book and in the paper-trading one; each in one snapshot."""
    for book in BOOKS:
        with reading(book.database, primary=True) as tx:
            yield from check_book_sums(book, tx)


def check_databases(names: Sequence[str] = DATABASES) -> Iterator[Finding]:
    """What is wrong in these databases of the current store, each read in one snapshot.

    Rows that cannot be are told first. What needs a table with such rows is not looked at then,
    and that is told too.
    """
    looked_at: set[int] = set()
    for name in names:
        with reading(name, primary=True) as tx:
            dialect = current_store().databases[name]
            if id(dialect) not in looked_at:  # names may share a database
                looked_at.add(id(dialect))
                for what in dialect.storage_faults(tx.driver_connection):
                    yield Finding(name, name, None, what, _STORAGE)
            bad = set()
            for each in RowRules(current_store(), tx).faults():
                bad.add(each.table)
                yield Finding(name, *each, _SQL)
            if name == "main":
                yield from _secrets(tx, bad)
                yield from _symbols(tx, bad)
            yield from _books(tx, bad)


def _secrets(tx: Transaction, bad: set[str]) -> Iterator[Finding]:
    """A secret that is not set is none that is wrong: then tokens are not opened."""
    store = current_store()
    try:
        check_secrets(store, may_be_missing=True)
    except ConfigurationError as error:
        yield Finding("main", "secret_sentinels", None, str(error), _SECRETS)
        return
    if not store.settings.token_encryption_keys:
        return
    if auth_tokens.name in bad:
        yield _not_looked_at("main", auth_tokens.name, "whether its tokens open")
        return
    for row_id, what in find_closed_tokens(tx):
        yield Finding("main", auth_tokens.name, row_id, what, _TOKENS)


def _symbols(tx: Transaction, bad: set[str]) -> Iterator[Finding]:
    if symbols.name in bad:
        yield _not_looked_at("main", symbols.name, "whether its columns agree")
        return
    for row_id, what in find_contradictions(tx):
        yield Finding("main", symbols.name, row_id, what, _SYMBOLS)


def _books(tx: Transaction, bad: set[str]) -> Iterator[Finding]:
    for book in BOOKS:
        if book.database != tx.database:
            continue
        if spoiled := bad & {each.name for each in book.tables}:
            yield _not_looked_at(tx.database, min(spoiled), "whether the book adds up")
        else:
            for each in check_book_sums(book, tx):
                yield Finding(tx.database, *each, _BOOKS)


def _not_looked_at(database: str, table: str, what: str) -> Finding:
    return Finding(database, table, None, f"not looked at because of these: {what}", _LATER)


def mends_of(findings: Iterable[Finding]) -> list[str]:
    """What helps, each mend once."""
    return list(dict.fromkeys(each.mend for each in findings))
