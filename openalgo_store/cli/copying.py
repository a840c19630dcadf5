"""`copy`: from one database to another, with what stood in the way in a list."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

import click

from ..errors import ConfigurationError, InvalidInput
from ..operations.backup import back_up, restore
from ..operations.copying import DatabaseCopy, copy_database
from ..operations.row_rules import RowFault
from ..records import Row
from ..schema import migrate
from ..settings import DATABASES, Settings, variable_of
from ..settings.env_file import read_env_file
from ..startup import make_folders, migrate_databases
from ..store import Store
from ..tables import METADATA
from .report import progress_of
from .tables import as_json, visible

_LONGEST_NAME = 100


def settings_of(option: str, place: str, databases: Sequence[str]) -> Settings:
    """Of a URL, which all of these databases have then, or of an env file that names them.

    What else the environment says, as DB_POOLER, holds there too. `option` is what it was given to.
    """
    urls = {*map(variable_of, DATABASES), "READ_DATABASE_URL"}
    others = {name: value for name, value in os.environ.items() if name not in urls}
    if "://" in place:
        return Settings.from_env({**others, **dict.fromkeys(map(variable_of, databases), place)})
    if not Path(place).is_file():
        raise ConfigurationError(  # what it is may be a URL that was mistyped, with its password
            f"{option} names neither a URL nor a file: give one of a database, as sqlite:///FILE "
            "or postgresql://HOST/DATABASE, or a file with variables as .env"
        )
    return Settings.from_env({**others, **read_env_file(Path(place))})


def run_copy(
    origin: Settings,
    goal: Settings,
    databases: Sequence[str],
    *,
    skip_bad: Path | None,
    replace: bool,
) -> None:
    """Copy these databases one after the other, and say what was done."""
    for name in databases:
        if migrate.pending_migrations(origin.url(name), name):
            raise ConfigurationError(
                f"the {name} database of --from is not there or not up to date: look at its name, "
                "or run `openalgo-store migrate` on it first"
            )
    with ExitStack() as opened:
        tell = _teller(skip_bad, opened)
        make_folders(goal, databases)
        migrate_databases(goal, databases)
        source, target = opened.enter_context(Store(origin)), opened.enter_context(Store(goal))
        for name in databases:
            done = copy_database(
                name,
                source,
                target,
                tell=tell,
                skip_bad=skip_bad is not None,
                replace=replace,
                watch=_watched,
            )
            click.echo(_report(done))


def _teller(skip_bad: Path | None, opened: ExitStack) -> Callable[[RowFault], object]:
    """Prints what is wrong with a row, or lists it where bad rows are left out."""
    listed: TextIO = sys.stdout
    if skip_bad is not None:
        listed = opened.enter_context(_new_list(skip_bad))
    return lambda fault: click.echo(_line(fault), file=listed)


def _new_list(path: Path) -> TextIO:
    """In place of an earlier one, but of nothing else: it may be a database."""
    try:
        if path.exists() and not _is_list(path):
            raise InvalidInput(f"--skip-bad {path} is another file: name a new one")
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"--skip-bad {path} cannot be written: {error.strerror}") from error


def _is_list(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.readline(_LONGEST_NAME).partition(b" ")[0].decode(errors="replace")
    return not first or any(first in each.tables for each in METADATA.values())


def _line(fault: RowFault) -> str:
    return visible(f"{fault.table} {fault.row_id}: {fault.what}")


def _watched(table: str, count: int, rows: Iterable[Row]) -> Iterator[Row]:
    """Behind a progress bar."""
    with progress_of(rows, count, table) as watched:
        yield from watched


def _report(done: DatabaseCopy) -> str:
    rows = sum(each.rows for each in done.tables.values())
    what = "the same rows were there already" if done.was_equal else "copied and compared"
    lines = [f"{done.database}: {rows:,} rows, {what}"]
    if done.left_out:
        lines.append(f"  {'left out':<22}{done.left_out:>9,}")
    lines += [f"  {name:<22}{each.rows:>9,}" for name, each in done.tables.items() if each.rows]
    return "\n".join(lines)


def run_backup(store: Store, folder: Path, databases: Sequence[str], *, as_it_is: bool) -> int:
    """Save these databases and say what is in the backup; how many rows could not be saved."""
    left_out: list[RowFault] = []
    saved = back_up(store, folder, databases, left_out.append)
    if as_it_is:
        click.echo(as_json(saved))
    else:
        for name, each in saved.items():
            click.echo(f"{name:<10}{sum(each.rows.values()):>9,} rows in {folder / each.file}")
    for fault in left_out:
        click.echo(f"left out: {_line(fault)}", err=True)
    return len(left_out)


def run_restore(
    folder: Path,
    goal: Settings,
    databases: Sequence[str] | None,
    *,
    skip_bad: Path | None,
    replace: bool,
) -> None:
    """Put back what a backup holds, and say what was done."""
    with ExitStack() as opened:
        for done in restore(
            folder,
            goal,
            databases,
            skip_bad=skip_bad is not None,
            replace=replace,
            tell=_teller(skip_bad, opened),
            watch=_watched,
        ):
            click.echo(_report(done))
