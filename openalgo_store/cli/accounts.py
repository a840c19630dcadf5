"""Commands about API keys and the keys of tokens."""

from collections.abc import Iterator

import click

from ..engine.transaction import Transaction
from ..records.accounts import User
from ..repositories.accounts.api_keys import list_api_keys
from ..repositories.accounts.auth_tokens import rotate_encryption_keys
from ..repositories.accounts.users import list_users
from ..sessions import get_read_session
from .group import main
from .opening import open_as_it_is
from .report import key_report


@main.command("api-keys")
def api_keys() -> None:
    """List the active API keys: who needs a new one when API_KEY_PEPPER changes.

    A key itself is never shown. The database does not hold it, only its last characters.
    """
    open_as_it_is("main")
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
    open_as_it_is("main")
    click.echo(f"{rotate_encryption_keys():,} rows encrypted with the newest key")


def _every_user(tx: Transaction) -> Iterator[User]:
    last = 0
    while users := list_users(after=last, tx=tx):
        yield from users
        last = users[-1].id
