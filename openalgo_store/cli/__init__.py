"""openalgo-store: set the databases up, look after them and their secrets, load symbols."""

from pathlib import Path

import click

from . import accounts, books, databases, symbols
from .demo import run_demo
from .group import main

__all__ = ["accounts", "books", "databases", "main", "symbols"]


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

    For example: openalgo-store demo --rows 10000
    """
    run_demo(folder, rows)
