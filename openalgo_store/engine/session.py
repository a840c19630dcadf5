"""Session: the with block of a transaction, and the rule that a block writes a database once."""

import sys
from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType, TracebackType
from typing import NoReturn
from weakref import ref

from ..errors import SessionMisuse
from .transaction import Transaction
from .transaction_state import TransactionState

_NONE: Mapping[str, "ref[Session]"] = MappingProxyType({})
_writing: ContextVar[Mapping[str, "ref[Session]"]] = ContextVar("writing", default=_NONE)
"""By the identity of a database the session in which this thread, or task, wrote it last."""


def refuse_inside_writer() -> None:
    """SessionMisuse if this thread, or task, is inside a write session of any database."""
    for held in _writing.get().values():
        outer = held()
        if outer is not None and outer._state.is_open():
            raise SessionMisuse(
                f"this thread is inside a write session of {outer._state.database}: retrying "
                "runs a whole transaction again: call it outside, and open sessions in what it runs"
            )


class Session:
    """The with block of a Transaction: commits at its end, rolls back on an exception.

    Only the with statement holds it. Where a signal handler that raises tears the block apart, be
    it at the first or the last step of this class, it dies with the block and ends the transaction.
    """

    __slots__ = ("__weakref__", "_state", "_transaction")

    def __init__(self, state: TransactionState, transaction: Transaction) -> None:
        self._state = state
        self._transaction = transaction

    def __enter__(self) -> Transaction:
        state = self._state
        if not state.readonly:
            self._refuse_second_writer()
        state.enter(ref(self))
        if not state.readonly:
            _writing.set({**_writing.get(), state.dialect.identity: ref(self)})
        return self._transaction

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._state.commit()
        finally:
            self._state.close()

    def __getattr__(self, name: str) -> NoReturn:
        """Say so where somebody takes the session for what its block gives."""
        if hasattr(Transaction, name):
            raise SessionMisuse("this session is not entered: write `with get_… as tx:`, use tx")
        raise AttributeError(name)

    def __del__(self) -> None:
        state = getattr(self, "_state", None)  # None if even __init__ was cut short
        if state is not None and not state.is_given_back and not sys.is_finalizing():
            state.close()

    def _refuse_second_writer(self) -> None:
        """It would wait for the first one in vain on SQLite, and be another one on PostgreSQL."""
        identity, mine = self._state.dialect.identity, self._state.database
        held = _writing.get().get(identity)
        first = None if held is None else held()
        if first is None or not first._state.is_open():
            return
        other = first._state.database
        if other == mine:
            raise SessionMisuse(
                f"this thread is already writing to {identity}: pass that session on as tx=tx "
                "(a second one would wait for the first for ever)"
            )
        raise SessionMisuse(
            f"{other} and {mine} are one database, {identity}, which this thread is already "
            f"writing: end the session of {other} first, or give each a database of its own"
        )
