"""Backups: each database as a file that either engine is restored from, and what is in it."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from ..engine.dialect import translating
from ..errors import CopyRefused, InvalidInput
from ..schema import migrate
from ..settings import Settings, variable_of
from ..settings.urls import url_of_file
from ..startup import make_folders, migrate_databases
from ..store import Store
from ..values import clock
from .copying import DatabaseCopy, Watch, copy_database
from .row_counts import rows_by_table
from .row_rules import RowFault

_MANIFEST = "manifest.json"
_AT_ONCE = 2**20
_UNFIT = re.compile(r"[?#%]")
"""What the path of a database cannot hold."""


@dataclass(frozen=True)
class SavedDatabase:
    """A database in a backup: its file, the digest of that, and how many rows each table has."""

    file: str
    sha256: str
    schema: str
    rows: dict[str, int]


def back_up(
    store: Store, folder: Path, databases: Sequence[str], tell: Callable[[RowFault], object]
) -> dict[str, SavedDatabase]:
    """Save databases into a new folder while others write; each as it is at one moment.

    A file of SQLite is saved by its online backup, page by page; what a server holds is copied into
    such a file, without the rows that cannot be, of which `tell` is told. Every file is opened and
    looked through. The list is written last: a folder without it is no backup. Raises InvalidInput
    for a folder that is not empty, CopyRefused for a file that is damaged.
    """
    if _UNFIT.search(str(folder.resolve())):
        raise InvalidInput(f"{folder} has one of ? # % in its path, which no file may have here")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_new = not any(folder.iterdir())
    except OSError as error:
        raise InvalidInput(f"{folder} cannot be made: {error.strerror}") from error
    if not is_new:
        raise InvalidInput(f"{folder} is not empty: name a new folder")
    saved = {name: _save(store, folder, name, tell) for name in databases}
    values = {
        "made_by": f"openalgo-store {version('openalgo-store')}",
        "made_at": clock.now().isoformat(),
        "databases": {name: vars(each) for name, each in saved.items()},
    }
    text = json.dumps(values, indent=2)
    try:
        (folder / _MANIFEST).write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise CopyRefused(
            f"{folder} is not finished, {_MANIFEST} cannot be written: {error.strerror}"
        ) from error
    return saved


def restore(
    folder: Path,
    goal: Settings,
    databases: Sequence[str] | None,
    *,
    skip_bad: bool = False,
    replace: bool = False,
    tell: Callable[[RowFault], object],
    watch: Watch,
) -> Iterator[DatabaseCopy]:
    """Copy what a backup holds into databases of either engine, which get today's schema.

    The backup itself is not changed. Without `databases` all of it. Raises CopyRefused for a file
    that is not what the list says, and as copy_database does.
    """
    saved = _read_manifest(folder)
    names = list(saved) if databases is None else list(databases)
    for name in names:
        if name not in saved:
            raise InvalidInput(f"{folder} holds no {name} database, but {', '.join(saved)}")
        if _digest(folder / saved[name].file) != saved[name].sha256:
            raise CopyRefused(
                f"{folder / saved[name].file} was changed or is damaged: take another"
            )
    make_folders(goal, names)
    migrate_databases(goal, names)
    with Store(goal) as target:
        for name in names:
            with _opened_copy(folder / saved[name].file, name) as source:
                yield copy_database(
                    name, source, target, tell=tell, skip_bad=skip_bad, replace=replace, watch=watch
                )


def _save(
    store: Store, folder: Path, name: str, tell: Callable[[RowFault], object]
) -> SavedDatabase:
    path = folder / f"{name}.db"
    try:
        path.touch()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}") from error
    if not store.databases[name].save_to(path):
        if migrate.pending_migrations(store.settings.url(name), name):
            raise CopyRefused(
                f"{name} is of an older version: save it with the tools of its server, or run "
                "`openalgo-store migrate` first"
            )
        settings = _of_file(path, name)
        migrate_databases(settings, (name,))
        with Store(settings) as target:
            copy_database(name, store, target, tell=tell, skip_bad=True)
    with Store(_of_file(path, name)) as saved:
        rows = _look_through(saved, name)
    schema = migrate.schema_version(_of_file(path, name).url(name), name) or ""
    return SavedDatabase(path.name, _digest(path), schema, rows)


def _look_through(saved: Store, name: str) -> dict[str, int]:
    """How many rows each table has; CopyRefused for a file with a fault."""
    with saved.transaction(name, readonly=True, primary=True) as tx:
        dialect = saved.databases[name]
        with translating(dialect):
            for what in dialect.storage_faults(tx.driver_connection):
                raise CopyRefused(f"{name}: what was saved is damaged, so the original is: {what}")
        return rows_by_table(tx)


@contextmanager
def _opened_copy(file: Path, name: str) -> Iterator[Store]:
    """A store over a copy of the file, brought up to date: the backup stays as it is."""
    with TemporaryDirectory(prefix="openalgo-restore-") as folder:
        settings = _of_file(Path(shutil.copy(file, folder)), name)
        migrate_databases(settings, (name,))
        with Store(settings) as store:
            yield store


def _of_file(path: Path, name: str) -> Settings:
    return Settings.from_env({variable_of(name): url_of_file(path)})


def _read_manifest(folder: Path) -> dict[str, SavedDatabase]:
    try:
        values = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        found = {name: SavedDatabase(**each) for name, each in values["databases"].items()}
        if found and all(map(_is_name, (each.file for each in found.values()))):
            return found
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass
    raise InvalidInput(
        f"{folder} is no backup, or one that was not finished: {_MANIFEST} is not in it, or no list"
    )


def _is_name(file: str) -> bool:
    """Of a file in the backup itself, as a file system takes it."""
    return Path(file).name == file and file.isprintable()


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_AT_ONCE):
                found.update(block)
    except OSError as error:
        raise CopyRefused(f"{path} cannot be read: {error.strerror}") from error
    return found.hexdigest()
