"""Commands about users, their API keys and broker tokens."""

import sys
from collections.abc import Iterator

import click

from ..engine.transaction import Transaction
from ..errors import InvalidInput, NotFound
from ..records.accounts import User
from ..repositories.accounts.api_keys import create_api_key, list_api_keys, revoke_api_key
from ..repositories.accounts.auth_tokens import (
    list_auth_tokens,
    revoke_auth_token,
    rotate_encryption_keys,
)
from ..repositories.accounts.users import (
    create_user,
    delete_user,
    get_user_by_username,
    list_users,
    reactivate_user,
    update_user,
)
from ..security.passwords import hash_password
from ..sessions import get_read_session
from .group import for_programs, main
from .opening import open_as_it_is
from .tables import as_json, in_columns, minute, printable


@main.group()
def users() -> None:
    """Add, list, deactivate users, and set passwords.

    For example: openalgo-store users list
    """


@users.command("list")
@for_programs
def list_all_users(as_it_is: bool) -> None:
    """List every user, deactivated ones too.

    For example: openalgo-store users list --json
    """
    open_as_it_is("main")
    with get_read_session("main", primary=True) as tx:
        found = list(_every_user(tx))
    rows = [(str(u.id), u.username, u.email, minute(u.created_at), u.is_active) for u in found]
    head = ("id", "user", "email", "created", "active")
    click.echo(as_json(found) if as_it_is else in_columns(head, rows))


@users.command()
@click.argument("username")
@click.argument("email")
@for_programs
def add(username: str, email: str, as_it_is: bool) -> None:
    """Add a user. The password is asked for, or read from standard input.

    For example: openalgo-store users add asha asha@example.org
    """
    open_as_it_is("main")
    user = create_user(username, email, hash_password(_password()))
    click.echo(as_json(user) if as_it_is else f"user {user.id}: {printable(user.username)}")


@users.command()
@click.argument("username")
@for_programs
def password(username: str, as_it_is: bool) -> None:
    """Set the password of a user. It is asked for, or read from standard input.

    For example: openalgo-store users password asha
    """
    open_as_it_is("main")
    user = user_named(username)
    update_user(user.id, password_hash=hash_password(_password()))
    _tell_of(username, "has a new password", as_it_is=as_it_is)


@users.command()
@click.argument("username")
@for_programs
def deactivate(username: str, as_it_is: bool) -> None:
    """Let a user no longer in: no login, no API key, no broker token. What was traded stays.

    For example: openalgo-store users deactivate asha
    """
    open_as_it_is("main")
    user = user_named(username)
    delete_user(user.id)
    _tell_of(username, "is deactivated", as_it_is=as_it_is)


@users.command()
@click.argument("username")
@for_programs
def reactivate(username: str, as_it_is: bool) -> None:
    """Let a user in again.

    For example: openalgo-store users reactivate asha
    """
    open_as_it_is("main")
    user = user_named(username)
    reactivate_user(user.id)
    _tell_of(username, "is active", as_it_is=as_it_is)


@main.group("api-keys", invoke_without_command=True)
@click.pass_context
def api_keys(context: click.Context) -> None:
    """List, create and revoke API keys; by itself it lists them.

    For example: openalgo-store api-keys create asha --name bot
    """
    if context.invoked_subcommand is None:
        context.invoke(list_every_api_key, as_it_is=False)


@api_keys.command("list")
@for_programs
def list_every_api_key(as_it_is: bool) -> None:
    """List the active API keys: who needs a new one when API_KEY_PEPPER changes.

    A key itself is never shown. The database does not hold it, only its last characters.

    For example: openalgo-store api-keys list --json
    """
    open_as_it_is("main")
    with get_read_session("main", primary=True) as tx:
        found = [
            (user.username, key)
            for user in _every_user(tx)
            for key in list_api_keys(user.id, tx=tx)
            if key.is_active
        ]
    if as_it_is:
        click.echo(as_json([{"username": name, **key._asdict()} for name, key in found]))
        return
    rows = [
        (str(key.id), name, key.name, key.hint, minute(key.created_at), minute(key.last_used))
        for name, key in found
    ]
    head = ("id", "user", "name", "ends in", "created", "last used")
    click.echo(in_columns(head, rows) if rows else "there are no active API keys")


@api_keys.command()
@click.argument("username")
@click.option("--name", help="What it is for.")
@for_programs
def create(username: str, name: str | None, as_it_is: bool) -> None:
    """Issue an API key and print it: it is shown this once.

    For example: openalgo-store api-keys create asha --name bot
    """
    open_as_it_is("main")
    issued = create_api_key(user_named(username).id, name)
    click.echo(as_json(issued) if as_it_is else issued.api_key)


@api_keys.command()
@click.argument("key_id", type=int)
@for_programs
def revoke(key_id: int, as_it_is: bool) -> None:
    """Revoke the API key of this id.

    For example: openalgo-store api-keys revoke 7
    """
    open_as_it_is("main")
    revoke_api_key(key_id)
    done = {"id": key_id, "is_active": False}
    click.echo(as_json(done) if as_it_is else f"API key {key_id} is revoked")


@main.group()
def tokens() -> None:
    """List and revoke broker tokens.

    For example: openalgo-store tokens list
    """


@tokens.command("list")
@for_programs
def list_tokens(as_it_is: bool) -> None:
    """List who is logged in at which broker. A token itself is never shown.

    For example: openalgo-store tokens list
    """
    open_as_it_is("main")
    with get_read_session("main", primary=True) as tx:
        rows = [
            (user.username, each.broker, each.created_at, each.updated_at, each.token_expiry)
            for user in _every_user(tx)
            for each in list_auth_tokens(user.id, tx=tx)
        ]
    names = ("username", "broker", "created_at", "updated_at", "token_expiry")
    if as_it_is:
        click.echo(as_json([dict(zip(names, row, strict=True)) for row in rows]))
        return
    shown = [(*row[:2], minute(row[2]), minute(row[3]), minute(row[4])) for row in rows]
    click.echo(in_columns(("user", "broker", "created", "renewed", "expires"), shown))


@tokens.command("revoke")
@click.argument("username")
@click.argument("broker")
@for_programs
def revoke_token(username: str, broker: str, as_it_is: bool) -> None:
    """Remove the tokens of a user at a broker.

    For example: openalgo-store tokens revoke asha zerodha
    """
    open_as_it_is("main")
    user = user_named(username)
    try:
        revoke_auth_token(user.id, broker)
    except NotFound:
        raise NotFound(f"{username} has no tokens of {broker}") from None
    text = printable(f"the tokens of {username} at {broker} are removed")
    click.echo(as_json({"username": username, "broker": broker}) if as_it_is else text)


@main.command("rotate-keys")
def rotate_keys() -> None:
    """Encrypt every broker token with the first of TOKEN_ENCRYPTION_KEYS.

    Every running process must know both keys by then. May be repeated, also after a kill.

    For example: openalgo-store rotate-keys
    """
    open_as_it_is("main")
    click.echo(f"{rotate_encryption_keys():,} rows encrypted with the newest key")


def user_named(username: str) -> User:
    """NotFound for a name that nobody has."""
    found = get_user_by_username(username)
    if found is None:
        raise NotFound(f"there is no user {username}")
    return found


def _tell_of(username: str, what: str, *, as_it_is: bool) -> None:
    """As the user is now."""
    user = user_named(username)
    click.echo(as_json(user) if as_it_is else f"{printable(user.username)} {what}")


def _password() -> str:
    """From the terminal, twice; else the first line of standard input."""
    if sys.stdin.isatty():
        return str(click.prompt("password", hide_input=True, confirmation_prompt=True, err=True))
    given = sys.stdin.readline().rstrip("\r\n")
    if not given:
        raise InvalidInput("no password: type it, or give it on standard input")
    return given


def _every_user(tx: Transaction) -> Iterator[User]:
    last = 0
    while found := list_users(after=last, tx=tx):
        yield from found
        last = found[-1].id
