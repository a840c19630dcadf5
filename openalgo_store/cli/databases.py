"""Commands that set the databases up and look after them."""

import os
from pathlib import Path

import click

from ..operations.checking import check_databases
from ..operations.health import PATIENCE
from ..operations.optimizing import optimize_databases
from ..operations.purge import PURGES, moment_ago
from ..operations.status import inspect
from ..repositories.accounts.sentinels import check_secrets
from ..settings import DATABASES
from ..settings.env_file import unlike_in_a_shell
from ..settings.urls import hide_password
from ..startup import (
    init_databases,
    make_folders,
    migrate_databases,
    pool_warnings,
    read_only_warnings,
)
from ..store import Store, use_store
from .checking import show_findings, show_findings_as_json
from .copying import run_backup, run_copy, run_restore, settings_of
from .group import for_programs, main
from .new_secrets import write_missing_secrets
from .opening import ENV_FILE, open_as_it_is, settings_here
from .optimizing import not_done, optimizing_report
from .report import shell_warning
from .status import status_report, to_json
from .tables import as_json


@main.command()
def init() -> None:
    """Create the five databases and the secrets, and say where they are.

    Databases that exist are brought up to date. API_KEY_PEPPER and TOKEN_ENCRYPTION_KEYS are made
    and appended to .env where they are set neither there nor in the environment.

    For example: openalgo-store init
    """
    settings = settings_here()
    store = init_databases(settings, warm=False)
    check_secrets(store)  # a database whose secrets lie elsewhere gets no others
    written, was_open = write_missing_secrets(ENV_FILE, os.environ)
    if was_open:
        click.echo(f"warning: {ENV_FILE} was open to others: its mode is now 600", err=True)
    if written:
        click.echo(f"{'secrets':<10}{', '.join(written)}: new, written to {ENV_FILE.resolve()}")
    if odd := unlike_in_a_shell(ENV_FILE):
        click.echo(f"warning: {shell_warning(ENV_FILE, odd)}", err=True)
    for name in DATABASES:
        click.echo(f"{name:<10}{hide_password(settings.url(name))}")
    for warning in (*pool_warnings(store), *read_only_warnings(store)):
        click.echo(f"warning: {warning}", err=True)


@main.command("migrate")
@click.option("--database", type=click.Choice(DATABASES), help="Only this one.")
def migrate_command(database: str | None) -> None:
    """Apply the pending migrations, in all databases or in one.

    For example: openalgo-store migrate --database main
    """
    settings = settings_here()
    make_folders(settings)
    done = migrate_databases(settings, (database,) if database else DATABASES)
    for name, applied in done.items():
        click.echo(f"{name:<10}{', '.join(applied) or 'nothing pending'}")


@main.command()
@for_programs
@click.option(
    "--timeout", default=PATIENCE, show_default=True, help="Seconds to wait for a database."
)
@click.pass_context
def status(context: click.Context, as_it_is: bool, timeout: float) -> None:
    """Show how each database is, what it holds, and the last symbol loads.

    Creates nothing. The exit code is 1 when something is wrong: a database does not answer, or is
    refused, or is not up to date, or the last load of a broker was refused.

    For example: openalgo-store status --json
    """
    with Store(settings_here()) as store:
        use_store(store)
        found = inspect(timeout)
    click.echo(to_json(found) if as_it_is else status_report(found))
    context.exit(1 if found.problems else 0)


@main.command()
@for_programs
@click.pass_context
def check(context: click.Context, as_it_is: bool) -> None:
    """Check that the databases are whole, that rows can be, and that the books add up.

    Each finding is one line: the table, the id of the row, and what is wrong with it; at the end
    stands what helps. Changes nothing. The exit code is 1 when something is found.

    For example: openalgo-store check
    """
    open_as_it_is(*DATABASES)
    show = show_findings_as_json if as_it_is else show_findings
    context.exit(1 if show(check_databases()) else 0)


leaving_out = click.option(
    "--skip-bad",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Leave bad rows out, and list them in this file.",
)
replacing = click.option("--replace", is_flag=True, help="Delete what the target has.")


@main.command()
@click.option("--from", "origin", metavar="URL|FILE", help="By default as the settings say.")
@click.option("--to", "goal", metavar="URL|FILE", required=True, help="What is written.")
@click.option(
    "--database", default="main", show_default=True, type=click.Choice([*DATABASES, "all"])
)
@leaving_out
@replacing
def copy(
    origin: str | None, goal: str, database: str, skip_bad: Path | None, replace: bool
) -> None:
    """Copy a database into another: from SQLite to PostgreSQL, or back, or on the same engine.

    URL is that of a database; FILE names all five as .env does. Each database is one transaction:
    after an interruption run the command again. What is bad in the source, where SQLite takes any
    value in any column, is listed before anything is written.

    \b
    For example: openalgo-store copy --to postgresql://localhost/openalgo
                 openalgo-store copy --to new.env --database all
    """
    databases = DATABASES if database == "all" else (database,)
    run_copy(
        settings_of("--from", origin, databases) if origin else settings_here(),
        settings_of("--to", goal, databases),
        databases,
        skip_bad=skip_bad,
        replace=replace,
    )


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--database", type=click.Choice(DATABASES), help="Only this one.")
@for_programs
@click.pass_context
def backup(context: click.Context, folder: Path, database: str | None, as_it_is: bool) -> None:
    """Save the databases into a new folder, while others write.

    Each is a file of its own, as it was at one moment, from which either engine is restored. Files
    of an older version are saved as they are. The exit code is 1 when rows cannot be saved: they
    are named.

    For example: openalgo-store backup backups/2026-08-25
    """
    names = (database,) if database else DATABASES
    left_out = run_backup(open_as_it_is(*names, older=True), folder, names, as_it_is=as_it_is)
    context.exit(1 if left_out else 0)


@main.command("restore")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--to", "goal", metavar="URL|FILE", help="By default as the settings say.")
@click.option("--database", type=click.Choice(DATABASES), help="Only this one.")
@leaving_out
@replacing
def restore_command(
    folder: Path, goal: str | None, database: str | None, skip_bad: Path | None, replace: bool
) -> None:
    """Put back what a backup holds, into databases of either engine.

    URL is that of one database, FILE names all five as .env does.

    For example: openalgo-store restore backups/2026-08-25 --to new.env
    """
    names = (database,) if database else None
    target = settings_of("--to", goal, names or DATABASES) if goal else settings_here()
    run_restore(folder, target, names, skip_bad=skip_bad, replace=replace)


@main.command()
@click.option("--older-than", metavar="AGE", required=True, help="30d, 2w, 12h; m are minutes.")
@click.option("--database", type=click.Choice(list(PURGES)), help="Only this one.")
@click.option("--dry-run", is_flag=True, help="Count, and delete nothing.")
@for_programs
def purge(older_than: str, database: str | None, dry_run: bool, as_it_is: bool) -> None:
    """Delete old latencies, log entries and Telegram messages.

    Messages that wait for delivery stay. Writers go on meanwhile: the rows go in small
    transactions, so a purge that is interrupted has done a part and may be repeated.

    For example: openalgo-store purge --older-than 30d --dry-run
    """
    before = moment_ago(older_than)
    names = [database] if database else list(PURGES)
    open_as_it_is(*names)
    done = "would go" if dry_run else "purged"
    counts = {}
    for name in names:
        rows = counts[name] = PURGES[name](before, dry_run=dry_run)
        if not as_it_is:
            click.echo(f"{name:<10}{rows:,} rows {done}: older than {before:%Y-%m-%d %H:%M} UTC")
    if as_it_is:
        click.echo(as_json(counts))


@main.command()
@click.option("--database", type=click.Choice(DATABASES), help="Only this one.")
@for_programs
@click.pass_context
def optimize(context: click.Context, database: str | None, as_it_is: bool) -> None:
    """Keep the databases in shape: statistics for the planner, room of what was deleted.

    On SQLite the file is written anew if a fifth of it is free, and the log is emptied. Others may
    read and write meanwhile. The exit code is 1 when a step could not be done: a line says why.

    For example: openalgo-store optimize --database main
    """
    names = (database,) if database else DATABASES
    found = list(optimize_databases(open_as_it_is(*names), names))
    click.echo(as_json(found) if as_it_is else optimizing_report(found))
    context.exit(1 if any(map(not_done, found)) else 0)
