"""What a cache tells of itself."""

from typing import NamedTuple


class CacheStats(NamedTuple):
    """size in entries; hits and misses since the store was opened; expires_at as a POSIX time.

    is_current says that nothing in it is known to be old, or can be while the database is away.
    hits and misses are counted without a lock: under many threads they may be a few short.
    """

    size: int
    hits: int
    misses: int
    expires_at: float | None
    is_current: bool = True

    @property
    def hit_rate(self) -> float | None:
        """Hits among all that was asked for, from 0 to 1; None before anything was."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else None
