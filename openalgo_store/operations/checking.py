"""Whether what is stored can be, opens, and adds up."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..engine.dialect import translating
from ..engine.transaction import Transaction
from ..errors import ConfigurationError, Unavailable
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
_UNREAD = "see to what it says, then check again"
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

    Rows that cannot be are told first, and the tokens and symbols of the others are looked at. A
    book with such rows is not added up, since they leave gaps in its sums; that is told too.
    """
    looked_at: set[int] = set()
    for name in names:
        try:
            yield from _database(name, looked_at)
        except Unavailable as error:
            yield Finding(name, name, None, f"it cannot be read: {error}", _UNREAD)


def _database(name: str, looked_at: set[int]) -> Iterator[Finding]:
    """`looked_at` are those whose pages were: names may share a database."""
    with reading(name, primary=True) as tx:
        dialect = current_store().databases[name]
        if id(dialect) not in looked_at:
            looked_at.add(id(dialect))
            with translating(dialect):
                damaged = list(dialect.storage_faults(tx.driver_connection))
            for what in damaged:
                yield Finding(name, name, None, what, _STORAGE)
        rules, bad = RowRules(current_store(), tx), set()
        for each in rules.faults():
            bad.add(each.table)
            yield Finding(name, *each, _SQL)
        if name == "main":
            yield from _secrets(tx, rules)
            yield from _symbols(tx, rules)
        yield from _books(tx, bad)


def _secrets(tx: Transaction, rules: RowRules) -> Iterator[Finding]:
    """A secret that is not set is none that is wrong: then tokens are not opened."""
    store = current_store()
    try:
        check_secrets(store, may_be_missing=True)
    except ConfigurationError as error:
        yield Finding("main", "secret_sentinels", None, str(error), _SECRETS)
        return
    if not store.settings.token_encryption_keys:
        return
    for row_id, what in find_closed_tokens(tx, rules.sound(auth_tokens)):
        yield Finding("main", auth_tokens.name, row_id, what, _TOKENS)


def _symbols(tx: Transaction, rules: RowRules) -> Iterator[Finding]:
    for row_id, what in find_contradictions(tx, rules.sound(symbols)):
        yield Finding("main", symbols.name, row_id, what, _SYMBOLS)


def _books(tx: Transaction, bad: set[str]) -> Iterator[Finding]:
    for book in BOOKS:
        if book.database != tx.database:
            continue
        added_up = {each.name for each in book.tables} - {book.tables.holdings.name}
        if spoiled := bad & added_up:
            what = "not looked at because of these: whether the book adds up"
            yield Finding(tx.database, min(spoiled), None, what, _LATER)
        else:
            for each in check_book_sums(book, tx):
                yield Finding(tx.database, *each, _BOOKS)
