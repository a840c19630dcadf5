"""What `check` finds, as text and as JSON: each thing as it is found."""

import json
from collections.abc import Iterable

import click

from ..operations.checking import Finding
from .tables import plain, visible


def show_findings(found: Iterable[Finding]) -> int:
    """A line for each; at the end how many there are, and what helps, each mend once."""
    count, mends = 0, dict[str, None]()
    for each in found:
        click.echo(_line(each))
        count += 1
        mends[each.mend] = None
    if not count:
        click.echo("everything is as it should be")
        return 0
    click.echo(f"{count:,} finding{'' if count == 1 else 's'}")
    for mend in mends:
        click.echo(f"  mend: {mend}")
    return count


def show_findings_as_json(found: Iterable[Finding]) -> int:
    """A list of objects with the fields of a Finding; how many."""
    count = 0
    click.echo("[", nl=False)
    try:
        for each in found:
            click.echo(
                f"{',' if count else ''}\n  {json.dumps(plain(each), default=str)}", nl=False
            )
            count += 1
    finally:
        click.echo("\n]")
    return count


def _line(found: Finding) -> str:
    row = "" if found.row_id is None else f" {found.row_id}"
    return visible(f"{found.table}{row}: {' '.join(found.what.split())}")
