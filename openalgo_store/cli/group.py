"""The command: its errors are one line, and it leaves nothing open."""

import os
import sys
from contextlib import suppress
from datetime import date
from errno import EPIPE
from io import TextIOWrapper, UnsupportedOperation
from pathlib import Path

import click

from ..errors import InvalidInput, StoreError
from ..store import close_databases
from .tables import visible


class _Commands(click.Group):
    """Commands whose errors are one line, and which leave nothing open."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except StoreError as error:
            click.echo(f"error: {visible(' '.join(str(error).split()))}", err=True)
            context.exit(1)
        except OSError as error:
            if error.errno == EPIPE:  # who reads has enough
                raise
            where = f"{error.filename}: " if error.filename else "reading or writing failed: "
            click.echo(f"error: {visible(where)}{error.strerror}", err=True)
            _drop_what_waits()
            context.exit(1)
        finally:
            close_databases()


def _drop_what_waits() -> None:
    """What could not be printed: Python tries again as it ends, with an exit code of its own."""
    with suppress(UnsupportedOperation), Path(os.devnull).open("w", encoding="ascii") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="openalgo-store")
def main() -> None:
    """The data layer of OpenAlgo: five databases, migrations, symbol masters.

    Settings come from the environment and from the file .env in the current folder; where both
    name a variable the environment counts.
    """
    if isinstance(sys.stdout, TextIOWrapper):  # a name that the terminal cannot show is no failure
        sys.stdout.reconfigure(errors="backslashreplace")


for_programs = click.option("--json", "as_it_is", is_flag=True, help="For programs.")


def day_of(text: str) -> date:
    """InvalidInput for what is no day."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text} is no day: write it as 2026-08-25") from None
