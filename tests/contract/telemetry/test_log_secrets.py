"""No password, key or token of a log line reaches the database."""

import logging
import logging.config
import logging.handlers
import time

from openalgo_store import (
    DatabaseLogHandler,
    Store,
    get_logs,
)
from openalgo_store.security.redaction import as_json, is_secret, redacted
from tests.support.log_lines import attached, lines, log

SECRETS = (
    ("password=hunter22!", "hunter22!"),
    ("PASSWORD: 'two words', user 5", "two words"),
    ('{"access_token": "ab\\"cd12345", "user": 5}', 'cd12345'),
    ("{'apiKey': b'abcdef'}", "abcdef"),
    ("client_secret=s3cr3t&grant=x", "s3cr3t"),
    ("Authorization: Bearer abc.def-123", "abc.def-123"),
    ("'Authorization': 'token kite_key:kite_token'", "kite_token"),
    ("authorization=token kite_key:kite_token", "kite_token"),
    ("sent bearer abcdefghijkl to it", "abcdefghijkl"),
    ("postgresql://user:pa55@host:5432/db is away", "pa55"),
    ("the key openalgo_" + "A1b2C3d4" * 5, "A1b2C3d4"),
    ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI1In0.abc_DEF", "eyJzdWIiOiI1In0"),
    ("$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA", "aGFzaA"),
    ("TOTP=123456 pin: 9876", "123456"),
    ("TOTP=123456 pin: 9876", "9876"),
)  # fmt: skip
HARMLESS = (
    "order 26030200001 of RELIANCE placed in 12.5 ms",
    "openalgo_store.repositories.users took https://host:80/path",
    "spin: 5, mapping: {'symbol': 'TCS'}, author: asha",
    "token expired, log in again",
)


def test_secrets_are_told_from_what_is_none() -> None:
    for text, secret in SECRETS:
        assert secret not in redacted(text), text
        assert "***" in redacted(text), text
    for text in HARMLESS:
        assert redacted(text) == text
    assert redacted("password=x, user=asha") == "password=***, user=asha"
    for name in ("password", "api_key", "accessToken", "X-Api-Key", "Set-Cookie", "TOKENS", "pin"):
        assert is_secret(name), name
    for name in ("user_id", "token_count", "spin", "keyboard", "symbol"):
        assert not is_secret(name), name
    assert as_json({"a": [{"api_key": 5}]}, hide=True) == {"a": [{"api_key": "***"}]}


def test_redaction_of_a_long_text_takes_no_time() -> None:
    began = time.monotonic()
    for text in (
        "a" * 100_000,
        "token" * 20_000,
        "a.-" * 30_000,
        "password " * 10_000,
        "://" * 30_000,
    ):
        redacted(text)
    assert time.monotonic() - began < 2


def test_secrets_do_not_reach_the_database_unless_asked_for(
    store: Store, handler: DatabaseLogHandler
) -> None:
    class LoginError(Exception):
        pass

    log.info(
        "login with password=%s", "hunter22", extra={"api_key": "hunter22", "x": ["pwd=hunter22"]}
    )
    try:
        raise LoginError("token=hunter22 was refused")
    except LoginError:
        log.exception("Authorization: Bearer hunter22hunter22")
    assert "hunter22" not in repr(lines())
    assert "password=***" in lines()[0].message
    with attached(DatabaseLogHandler(redact=False)):
        logging.getLogger("plain").info("password=%s", "in clear")
    assert get_logs(logger="plain").entries[0].message == "password=in clear"
