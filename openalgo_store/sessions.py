"""Sessions: transactions of the current store, or the caller's own."""

from contextlib import AbstractContextManager, nullcontext

from .engine.transaction import Transaction
from .errors import SessionMisuse, WrongDatabase
from .store import Store, current_store
from .values.arguments import true_or_false


def reading(
    database: str = "main", tx: Transaction | None = None, *, primary: bool = False
) -> AbstractContextManager[Transaction]:
    """A session that only reads, one snapshot from its first statement on; or the given `tx`.

    Reads of main go to READ_DATABASE_URL where there is one, unless `primary`: then a `tx` that
    reads the replica is refused, since what it finds may be old.
    """
    store = current_store()
    true_or_false("primary", primary)
    if tx is None:
        return store.transaction(database, readonly=True, primary=primary)
    return nullcontext(_joined(tx, database, store, primary=primary))


def writing(
    database: str = "main", tx: Transaction | None = None
) -> AbstractContextManager[Transaction]:
    """A session that may write: commits at the end of its block, rolls back on an exception.

    With `tx` that session is joined, and its own block decides.
    """
    store = current_store()
    if tx is None:
        return store.transaction(database, readonly=False)
    if isinstance(tx, Transaction) and tx.readonly:
        raise SessionMisuse("a read session cannot write: pass a tx of get_write_session")
    return nullcontext(_joined(tx, database, store))


def one_statement(
    database: str = "main",
    tx: Transaction | None = None,
    *,
    readonly: bool = True,
    primary: bool = False,
) -> AbstractContextManager[Transaction]:
    """A session for a single statement of the store's own; or the given `tx`.

    It is committed as it ends, whatever follows in the block; through a pooler with the block, and
    not if that raises. `readonly` chooses the replica and lets writers pass; that the statement
    only reads is for its author to see to. `primary` is as in `reading`.

    Without BEGIN and COMMIT the statement is a transaction of its own: PostgreSQL is asked once.
    Through a pooler it has both.
    """
    if tx is not None:
        return reading(database, tx, primary=primary) if readonly else writing(database, tx)
    return current_store().transaction(database, readonly=readonly, primary=primary, single=True)


get_read_session = reading
get_write_session = writing


def get_db_session(database: str = "main") -> AbstractContextManager[Transaction]:
    """A session that may write, as get_write_session."""
    return writing(database)


def _joined(tx: Transaction, database: str, store: Store, *, primary: bool = False) -> Transaction:
    if not isinstance(tx, Transaction):
        raise SessionMisuse(
            f"tx is a {type(tx).__name__}: pass what `with get_write_session() as tx` gives"
        )
    if tx.database != database:
        raise WrongDatabase(
            f"this tx belongs to the database {tx.database!r}, which does not hold these tables: "
            f"open one with get_write_session({database!r})"
        )
    if tx.origin is not store:
        raise WrongDatabase("this tx belongs to another Store: call use_store() with it first")
    if primary and tx.on_replica:
        raise WrongDatabase(
            "this tx reads READ_DATABASE_URL, which may lag behind, and this must be up to date: "
            "pass a tx of get_read_session(primary=True) or of get_write_session, or none"
        )
    return tx
