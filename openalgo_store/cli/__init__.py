"""openalgo-store: set the databases up, look after them and their secrets, load symbols."""

import os
import sys
from collections.abc import Iterator
from datetime import date
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import click

from ..engine.transaction import Transaction
from ..errors import ConfigurationError, InvalidInput, NotFound, StoreError
from ..instruments import read_instruments
from ..operations.checking import check_books
from ..operations.health import PATIENCE
from ..operations.purge import PURGES, moment_ago
from ..operations.status import inspect
from ..records.accounts import User
from ..repositories.accounts.api_keys import list_api_keys
from ..repositories.accounts.auth_tokens import rotate_encryption_keys
from ..repositories.accounts.sentinels import check_secrets
from ..repositories.accounts.users import list_users
from ..repositories.symbols.contracts import get_option_chain
from ..repositories.symbols.searching import search_symbols
from ..repositories.symbols.symbol_loads import last_symbol_load, replace_symbols
from ..repositories.symbols.symbols import get_symbol_token
from ..schema import migrate
from ..sessions import get_read_session
from ..settings import DATABASES, Settings
from ..settings.env_file import read_env_file, unlike_in_a_shell
from ..settings.urls import hide_password
from ..startup import (
    init_databases,
    make_folders,
    migrate_databases,
    pool_warnings,
    read_only_warnings,
)
from ..store import Store, close_databases, use_store
from .demo import run_demo
from .finding import chain_report, search_report
from .new_secrets import write_missing_secrets
from .report import key_report, load_report, progress_of, shell_warning
from .status import as_json, status_report, to_json

_ENV_FILE = Path(".env")


class _Commands(click.Group):
    """Commands whose errors are one line, and which leave nothing open."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except StoreError as error:
            click.echo(f"error: {' '.join(str(error).split())}", err=True)
            context.exit(1)
        finally:
            close_databases()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="openalgo-store")
def main() -> None:
    """The data layer of OpenAlgo: five databases, migrations, symbol masters.

    Settings come from the environment and from the file .env in the current folder; where both
    name a variable the environment counts.
    """
    if isinstance(sys.stdout, TextIOWrapper):  # a name that the terminal cannot show is no failure
        sys.stdout.reconfigure(errors="backslashreplace")


@main.command()
def init() -> None:
    """Create the five databases and the secrets, and say where they are.

    Databases that exist are brought up to date. API_KEY_PEPPER and TOKEN_ENCRYPTION_KEYS are made
    and appended to .env where they are set neither there nor in the environment.
    """
    settings = _settings()
    store = init_databases(settings, warm=False)
    check_secrets(store)  # a database whose secrets lie elsewhere gets no others
    written, was_open = write_missing_secrets(_ENV_FILE, os.environ)
    if was_open:
        click.echo(f"warning: {_ENV_FILE} was open to others: its mode is now 600", err=True)
    if written:
        click.echo(f"{'secrets':<10}{', '.join(written)}: new, written to {_ENV_FILE.resolve()}")
    if odd := unlike_in_a_shell(_ENV_FILE):
        click.echo(f"warning: {shell_warning(_ENV_FILE, odd)}", err=True)
    for name in DATABASES:
        click.echo(f"{name:<10}{hide_password(settings.url(name))}")
    for warning in (*pool_warnings(store), *read_only_warnings(store)):
        click.echo(f"warning: {warning}", err=True)


@main.command("migrate")
@click.option("--database", type=click.Choice(DATABASES), help="Only this one.")
def migrate_command(database: str | None) -> None:
    """Apply the pending migrations, in all databases or in one."""
    settings = _settings()
    make_folders(settings)
    done = migrate_databases(settings, (database,) if database else DATABASES)
    for name, applied in done.items():
        click.echo(f"{name:<10}{', '.join(applied) or 'nothing pending'}")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option(
    "--timeout", default=PATIENCE, show_default=True, help="Seconds to wait for a database."
)
@click.pass_context
def status(context: click.Context, as_json: bool, timeout: float) -> None:
    """Show how each database is, what it holds, and the last symbol loads.

    Creates nothing. The exit code is 1 when something is wrong: a database does not answer, or is
    refused, or is not up to date, or the last load of a broker was refused.
    """
    with Store(_settings()) as store:
        use_store(store)
        found = inspect(timeout)
    click.echo(to_json(found) if as_json else status_report(found))
    context.exit(1 if found.problems else 0)


@main.command()
@click.pass_context
def check(context: click.Context) -> None:
    """Check that the books add up: orders by their trades, positions by all they are made of.

    Each difference is one line: the table, the id of the row, and what is wrong with it. Changes
    nothing. The exit code is 1 when something is found.
    """
    _open_as_it_is("main", "sandbox")
    found = 0
    for each in check_books():
        found += 1
        row = "" if each.row_id is None else f" {each.row_id}"
        click.echo(f"{each.table}{row}: {each.what}")
    differences = f"{found:,} difference{'' if found == 1 else 's'}"
    click.echo(differences if found else "the books add up")
    context.exit(1 if found else 0)


@main.command("load-symbols")
@click.argument("broker")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Load even what has less than half of the rows stored.")
def load_symbols(broker: str, files: tuple[Path, ...], force: bool) -> None:
    """Replace a broker's symbols by those of its files.

    FILES are plain or .gz; together they are the whole master of BROKER.
    """
    symbols = read_instruments(broker, *files)
    init_databases(_settings(), warm=False)
    with get_read_session("main", primary=True) as tx:
        before = last_symbol_load(broker, tx=tx)
    with progress_of(symbols, before.total if before else None) as watched:
        load = replace_symbols(watched, broker, force=force)
    click.echo(load_report(load))


@main.command()
@click.argument("symbol")
@click.argument("exchange")
@click.argument("broker")
def token(symbol: str, exchange: str, broker: str) -> None:
    """Print the token of a symbol.

    For example: openalgo-store token NIFTY25AUG26FUT NFO zerodha
    """
    _open_as_it_is("main")
    with get_read_session("main", primary=True) as tx:
        found = get_symbol_token(symbol, exchange, broker, tx=tx)
    if found is None:
        raise NotFound(f"{symbol} on {exchange} of {broker}: not found")
    click.echo(found)


@main.command()
@click.argument("words", nargs=-1)
@click.option("--broker", required=True, help="Whose symbols.")
@click.option("--exchange", help="Only on this one.")
@click.option("--type", "instrument_type", help="Only EQ, FUT, CE, PE …")
@click.option("--underlying", help="Only contracts on this one.")
@click.option("--expiry", metavar="DAY", help="Only what expires then: 2026-08-25.")
@click.option("--expired", is_flag=True, help="What has expired, too.")
@click.option("--limit", default=20, show_default=True, help="So many at most.")
@click.option("--json", "as_it_is", is_flag=True, help="For programs.")
@click.pass_context
def search(
    context: click.Context,
    /,
    words: tuple[str, ...],
    expiry: str | None,
    expired: bool,
    as_it_is: bool,
    **asked: Any,
) -> None:
    """Find symbols that have all these words, the best first.

    For example: openalgo-store search NIFTY 24000 CE --broker zerodha. The exit code is 1 when
    nothing is found.
    """
    day = _day(expiry) if expiry else None
    _open_as_it_is("main")
    found = search_symbols(" ".join(words), expiry=day, include_expired=expired, **asked)
    click.echo(as_json(found) if as_it_is else search_report(found) if found else "nothing found")
    context.exit(0 if found else 1)


@main.command()
@click.argument("underlying")
@click.argument("exchange")
@click.argument("expiry")
@click.option("--broker", required=True, help="Whose tokens.")
@click.option("--around", type=float, metavar="PRICE", help="Mark the nearest strike.")
@click.option("--strikes", type=int, metavar="N", help="So many on each side of it.")
@click.option("--json", "as_it_is", is_flag=True, help="For programs: whole contracts.")
@click.pass_context
def chain(context: click.Context, /, expiry: str, as_it_is: bool, **asked: Any) -> None:
    """Show the options on an underlying that expire on a day: the tokens of calls and puts.

    For example: openalgo-store chain NIFTY NFO 2026-08-25 --broker zerodha. The exit code is 1
    when there are none.
    """
    day = _day(expiry)
    _open_as_it_is("main")
    found = get_option_chain(expiry=day, **asked)
    report = chain_report(found) if found.strikes else "nothing found"
    click.echo(as_json(found) if as_it_is else report)
    context.exit(0 if found.strikes else 1)


@main.command("api-keys")
def api_keys() -> None:
    """List the active API keys: who needs a new one when API_KEY_PEPPER changes.

    A key itself is never shown. The database does not hold it, only its last characters.
    """
    _open_as_it_is("main")
    with get_read_session("main", primary=True) as tx:
        keys = [
            (user.username, key)
            for user in _every_user(tx)
            for key in list_api_keys(user.id, tx=tx)
            if key.is_active
        ]
    click.echo(key_report(keys))


@main.command("rotate-keys")
def rotate_keys() -> None:
    """Encrypt every broker token with the first of TOKEN_ENCRYPTION_KEYS.

    Every running process must know both keys by then. May be repeated, also after a kill.
    """
    _open_as_it_is("main")
    click.echo(f"{rotate_encryption_keys():,} rows encrypted with the newest key")


@main.command()
@click.option("--older-than", metavar="AGE", required=True, help="30d, 2w, 12h; m are minutes.")
@click.option("--database", type=click.Choice(list(PURGES)), help="Only this one.")
@click.option("--dry-run", is_flag=True, help="Count, and delete nothing.")
def purge(older_than: str, database: str | None, dry_run: bool) -> None:
    """Delete old latencies, log entries and Telegram messages.

    Messages that wait for delivery stay. Writers go on meanwhile: the rows go in small
    transactions, so a purge that is interrupted has done a part and may be repeated.
    """
    before = moment_ago(older_than)
    names = [database] if database else list(PURGES)
    _open_as_it_is(*names)
    done = "would go" if dry_run else "purged"
    for name in names:
        rows = PURGES[name](before, dry_run=dry_run)
        click.echo(f"{name:<10}{rows:,} rows {done}: older than {before:%Y-%m-%d %H:%M} UTC")


@main.command()
@click.option("--rows", default=100_000, show_default=True, help="Instruments in the file.")
@click.option(
    "--folder",
    default="openalgo-demo",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where everything is put; an earlier demo in it is replaced.",
)
def demo(rows: int, folder: Path) -> None:
    """See it work, in a folder of its own.

    Makes an instrument file, loads it, looks symbols up, and loads the next day's file.
    """
    run_demo(folder, rows)


def _every_user(tx: Transaction) -> Iterator[User]:
    last = 0
    while users := list_users(after=last, tx=tx):
        yield from users
        last = users[-1].id


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text} is no day: write it as 2026-08-25") from None


def _settings() -> Settings:
    return Settings.from_env({**read_env_file(_ENV_FILE), **os.environ})


def _open_as_it_is(*names: str) -> None:
    """Use these databases, without bringing anything up to date."""
    settings = _settings()
    for name in names:
        if migrate.pending_migrations(settings.url(name), name):
            raise ConfigurationError(
                f"the {name} database is not set up: run `openalgo-store init`"
            )
    use_store(Store(settings))
