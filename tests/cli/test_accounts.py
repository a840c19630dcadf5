"""`openalgo-store users`, `api-keys` and `tokens` as commands."""

import json
import re
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from openalgo_store import (
    Settings,
    authenticate_user,
    close_databases,
    create_api_key,
    create_user,
    get_auth_token,
    get_user_by_api_key,
    hash_password,
    init_databases,
    list_api_keys,
    save_auth_token,
)
from openalgo_store.cli import main
from tests.support.command import fail, succeed

PASSWORD, ANOTHER = "correct horse battery", "staple of a horse"


def typed(password: str, *arguments: str) -> str:
    """What a command says to which this is given on standard input."""
    result = CliRunner().invoke(main, arguments, input=password)
    assert result.exit_code == 0, result.output
    assert password.strip() not in result.output
    return result.stdout


@pytest.fixture
def asha(secrets: Settings) -> int:
    """The id of a user; the command's databases hold nothing else."""
    with init_databases(secrets):
        user_id = create_user("asha", "asha@example.org", hash_password(PASSWORD)).id
    close_databases()
    return user_id


def test_a_user_is_added_with_a_password_from_standard_input(secrets: Settings) -> None:
    assert succeed("users", "list") == "nothing found\n"
    assert typed(f"{PASSWORD}\n", "users", "add", "asha", "asha@example.org") == "user 1: asha\n"
    head, line = (re.split("  +", each) for each in succeed("users", "list").splitlines())
    assert head == ["id", "user", "email", "created", "active"]
    assert line[:3] == ["1", "asha", "asha@example.org"]
    assert line[-1] == "yes"
    (found,) = json.loads(succeed("users", "list", "--json"))
    assert found["username"] == "asha"
    assert not {"password", "password_hash"} & found.keys()
    with init_databases(secrets):
        assert authenticate_user("asha", PASSWORD) is not None


def test_a_password_is_changed(secrets: Settings, asha: int) -> None:
    assert typed(f"{ANOTHER}\r\n", "users", "password", "asha") == "asha has a new password\n"
    with init_databases(secrets):
        assert authenticate_user("asha", PASSWORD) is None
        assert authenticate_user("asha", ANOTHER) is not None


def test_without_a_password_nothing_is_written(asha: int) -> None:
    result = CliRunner().invoke(main, ["users", "add", "ravi", "ravi@example.org"], input="")
    assert result.exit_code == 1
    assert result.stderr == "error: no password: type it, or give it on standard input\n"
    assert len(json.loads(succeed("users", "list", "--json"))) == 1


def test_a_user_is_deactivated_and_active_again(secrets: Settings, asha: int) -> None:
    assert succeed("users", "deactivate", "asha") == "asha is deactivated\n"
    with init_databases(secrets):
        assert authenticate_user("asha", PASSWORD) is None
    close_databases()
    assert succeed("users", "list").splitlines()[1].endswith(" no")
    assert succeed("users", "reactivate", "asha") == "asha is active\n"
    with init_databases(secrets):
        assert authenticate_user("asha", PASSWORD) is not None


def test_an_api_key_is_shown_once_and_revoked_by_its_id(secrets: Settings, asha: int) -> None:
    key = succeed("api-keys", "create", "asha", "--name", "bot").strip()
    with init_databases(secrets):
        assert get_user_by_api_key(key) is not None
        (listed,) = list_api_keys(asha)
    close_databases()
    assert succeed("api-keys") == succeed("api-keys", "list")
    (found,) = json.loads(succeed("api-keys", "list", "--json"))
    assert found["username"] == "asha"
    assert found["name"] == "bot"
    assert key not in succeed("api-keys", "list", "--json")
    assert succeed("api-keys", "revoke", listed.id) == f"API key {listed.id} is revoked\n"
    with init_databases(secrets):
        assert get_user_by_api_key(key) is None


def test_tokens_are_listed_without_themselves_and_removed(secrets: Settings, asha: int) -> None:
    expiry = datetime(2200, 1, 1, tzinfo=UTC)
    with init_databases(secrets):
        save_auth_token(asha, "zerodha", "the-access", "the-refresh", token_expiry=expiry)
    close_databases()
    shown, as_json = succeed("tokens", "list"), succeed("tokens", "list", "--json")
    head, line = (re.split("  +", each) for each in shown.splitlines())
    assert head == ["user", "broker", "created", "renewed", "expires"]
    assert (*line[:2], *line[3:]) == ("asha", "zerodha", "never", "2200-01-01 05:30 IST")
    assert json.loads(as_json)[0].keys() == {
        "username", "broker", "created_at", "updated_at", "token_expiry",
    }  # fmt: skip
    assert "the-" not in shown + as_json
    said = succeed("tokens", "revoke", "asha", "zerodha")
    assert said == "the tokens of asha at zerodha are removed\n"
    with init_databases(secrets):
        assert get_auth_token(asha, "zerodha") is None


def test_what_was_changed_is_told_to_programs(secrets: Settings, asha: int) -> None:
    with init_databases(secrets):
        key = create_api_key(asha)
        save_auth_token(asha, "zerodha", "access")
    close_databases()
    changed = json.loads(typed(f" {ANOTHER} \n", "users", "password", "asha", "--json"))
    assert (changed["id"], changed["is_active"]) == (asha, True)
    told = json.loads(succeed("api-keys", "revoke", key.id, "--json"))
    assert told == {"id": key.id, "is_active": False}
    told = json.loads(succeed("tokens", "revoke", "asha", "zerodha", "--json"))
    assert told == {"username": "asha", "broker": "zerodha"}
    for command, is_active in (("deactivate", False), ("reactivate", True)):
        assert json.loads(succeed("users", command, "asha", "--json"))["is_active"] is is_active
    with init_databases(secrets):
        assert authenticate_user("asha", f" {ANOTHER} ") is not None


def test_what_is_not_there_is_one_line(asha: int) -> None:
    for command in (["users", "password"], ["users", "deactivate"], ["api-keys", "create"]):
        assert fail(*command, "nobody") == "error: there is no user nobody"
    assert "error: " in fail("api-keys", "revoke", "77")
    assert fail("tokens", "revoke", "asha", "zerodha") == "error: asha has no tokens of zerodha"
