"""How much is measured: the whole, and a quick look at everything."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The counts of a run."""

    symbols: int = 200_000
    """Instruments in a day's file."""
    orders: int = 1_000_000
    """In a book, of 250 days; a multiple of 2,500."""
    rounds: int = 21
    """Of what takes microseconds: each round is a small batch."""
    batch: int = 20
    """Operations that a round repeats, so that the clock does not count."""
    repeat: int = 3
    """Rounds of what takes seconds."""
    cached: int = 20_000
    """Lookups in a cache in each round."""
    latencies: int = 100_000
    purged: int = 1_000_000
    """Old rows that a purge deletes."""
    commits: int = 1_000
    """Watched while nothing is purged."""
    seconds: float = 2.0
    """How long many writers, or readers beside a load, are watched in each round."""
    imports: int = 15
    """Processes that import a package."""

    @property
    def few_orders(self) -> int:
        """In the smallest book: a hundredth, or one a day."""
        return max(250, self.orders // 100)


FULL = Scale()
QUICK = Scale(
    symbols=10_000,
    orders=10_000,
    rounds=5,
    batch=10,
    repeat=1,
    latencies=10_000,
    purged=50_000,
    commits=200,
    seconds=0.5,
    imports=2,
)
"""All subjects within two minutes; its figures show that the machinery works, and little else."""
