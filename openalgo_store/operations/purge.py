"""What `openalgo-store purge` does: which databases, and how old is old."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import click

from .. import clock
from ..errors import InvalidInput
from ..repositories.latency import purge_latency
from ..repositories.logs import purge_logs
from ..repositories.telegram import purge_telegram_messages

PURGES: dict[str, Callable[..., int]] = {
    "latency": purge_latency,
    "logs": purge_logs,
    "telegram": purge_telegram_messages,
}
"""The databases that keep what can be old."""

_AGE = re.compile(r"([1-9][0-9]{0,4})([wdhm])")
_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes"}


def moment_ago(age: str) -> datetime:
    """The moment that was 30d ago, or 2w, 12h, 90m; InvalidInput for another age, 0d too."""
    found = _AGE.fullmatch(age)
    if found is None:
        raise InvalidInput(
            f"--older-than {age!r}: give a number from 1 to 99999 and w, d, h or m (minutes): 30d"
        )
    return clock.now() - timedelta(**{_UNITS[found[2]]: int(found[1])})


def run_purge(names: Sequence[str], before: datetime, *, dry_run: bool) -> None:
    """Purge these databases one after the other, and say of each how many rows that were."""
    done = "would go" if dry_run else "purged"
    for name in names:
        rows = PURGES[name](before, dry_run=dry_run)
        click.echo(f"{name:<10}{rows:,} rows {done}: older than {before:%Y-%m-%d %H:%M} UTC")
