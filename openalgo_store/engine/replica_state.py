"""ReplicaState: a session that reads the replica, and the primary where that cannot be had."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ..errors import Unavailable
from .dialect import Dialect
from .queries import Query
from .replica import Replica
from .transaction_state import TransactionState

R = TypeVar("R")
T = TypeVar("T")


class ReplicaState(TransactionState):
    """What a read session of main holds. Until it has read something it may change over."""

    def __init__(self, replica: Replica, primary: Dialect, *, single: bool) -> None:
        super().__init__(replica.dialect, "main", readonly=True, single=single)
        self.on_replica = True
        self._replica = replica
        self._primary = primary

    def execute(self, query: Query[R], params: Mapping[str, Any], take: Callable[..., T]) -> T:
        """On the primary where the connection is lost with the first statement."""
        may_change_over = self.on_replica and self.driver is None
        try:
            return super().execute(query, params, take)
        except Unavailable:
            if not (may_change_over and self.on_replica and self.is_connection_lost()):
                raise
            self._replica.doubt()
            self._change_over()
            return super().execute(query, params, take)

    def begin(self) -> Any:
        """On the primary where this process has written meanwhile, or no connection can be had.

        And where the connection leads to another server than the one that is known to serve.
        """
        if self.on_replica:
            try:
                if self._replica.serves():
                    driver = super().begin()
                    if self.perform("BEGIN", self._replica.is_known, driver):
                        return driver
            except Unavailable:
                self._replica.doubt()
            self._change_over()
        return super().begin()

    def _change_over(self) -> None:
        self.release()
        self.dialect, self.on_replica, self.failure = self._primary, False, None
