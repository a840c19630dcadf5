"""What the store raises: a small tree under StoreError, the driver's own error as its cause."""

__all__ = [
    "ConfigurationError",
    "Conflict",
    "CopyRefused",
    "IllegalOrderState",
    "InvalidInput",
    "MigrationRefused",
    "NotFound",
    "SessionMisuse",
    "StoreError",
    "SymbolLoadRefused",
    "TransactionFailed",
    "Unavailable",
    "WrongDatabase",
]


class StoreError(Exception):
    """Anything that goes wrong in the store; `statement` names the one that failed, if one did."""

    statement: str | None = None


class ConfigurationError(StoreError):
    """A setting is missing or cannot work; the message names the variable and the mend."""


class MigrationRefused(StoreError):
    """The migrations and the database do not fit together; nothing was changed."""


class Unavailable(StoreError):
    """The database cannot serve now: out of reach, pool exhausted, locked, deadlocked, full.

    Nothing of the transaction was kept, unless `outcome_unknown`: then COMMIT itself lost its
    answer, or the single statement of a function that has no more, as create_order. Look whether
    it is there before trying again. `retryable`: it lost against another transaction, a deadlock
    or a conflict, and may win when it is run again from its beginning: see retrying.
    """

    outcome_unknown: bool = False
    retryable: bool = False


class SessionMisuse(StoreError):
    """A session is used in a way that cannot work; the message says how to use it."""


class WrongDatabase(SessionMisuse):
    """A transaction of another database or Store, or of a replica, cannot serve here."""


class TransactionFailed(StoreError):
    """A statement failed, so the transaction can only be rolled back."""


class InvalidInput(StoreError):
    """A value that the database must not hold; nothing was written."""


class Conflict(StoreError):
    """A row that breaks a rule between rows: uniqueness or a reference."""

    def __init__(self, message: str, constraint: str | None = None) -> None:
        super().__init__(message)
        self.constraint = constraint


class NotFound(StoreError):
    """The row to change does not exist."""


class SymbolLoadRefused(StoreError):
    """A master that would do harm was not loaded; the one before it is intact."""


class CopyRefused(StoreError):
    """A database was not copied, or not restored; the target is as it was."""


class IllegalOrderState(StoreError):
    """An order in its present state cannot do this; nothing was written."""

    def __init__(
        self, message: str, order_id: str | None = None, status: str | None = None
    ) -> None:
        super().__init__(message)
        self.order_id = order_id
        self.status = status
