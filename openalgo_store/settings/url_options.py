"""The options behind the ? of a PostgreSQL URL: those of libpq, each with a value it can take."""

import re
from collections.abc import Iterable
from functools import cache

from ..errors import ConfigurationError

HIDDEN = ("sslpassword", "oauth_client_secret")
"""Options that are shown to nobody."""

_ELSEWHERE = {
    "user": "write the user before the @, not behind the ?",
    "password": "write the password before the @, not behind the ?",
    "dbname": "write the database behind the /, not behind the ?",
    "pgbouncer": "write DB_POOLER=transaction in place of the option pgbouncer",
    "schema": "write options=-csearch_path%3DNAME in place of the option schema",
}
_TLS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_VALUES = {
    "client_encoding": ("utf8",),
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "sslcertmode": ("disable", "allow", "require"),
    "sslnegotiation": ("postgres", "direct"),
    "ssl_min_protocol_version": _TLS,
    "ssl_max_protocol_version": _TLS,
    "sslsni": ("0", "1"),
    "channel_binding": ("disable", "prefer", "require"),
    "gssencmode": ("disable", "prefer", "require"),
    "gssdelegation": ("0", "1"),
    "keepalives": ("0", "1"),
    "load_balance_hosts": ("disable", "random"),
    "target_session_attrs": (
        "any", "read-write", "read-only", "primary", "standby", "prefer-standby",
    ),
}  # fmt: skip
"""What each of these may be."""
_NUMBERS = {
    "connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count",
    "tcp_user_timeout",
}  # fmt: skip


def check_options(options: Iterable[tuple[str, str]], variable: str) -> dict[str, str]:
    """The options by name; ConfigurationError for one that libpq would refuse, or not know."""
    known = _known()
    checked: dict[str, str] = {}
    for name, value in options:
        if name in _ELSEWHERE:
            raise ConfigurationError(f"{variable}: {_ELSEWHERE[name]}")
        if name not in known:
            raise ConfigurationError(
                f"{variable}: the option {name} is not known: remove it, or write one of libpq's: "
                f"{', '.join(sorted(known))}"
            )
        if name in checked:
            raise ConfigurationError(f"{variable}: the option {name} is there twice: keep one")
        allowed = _VALUES.get(name)
        if name == "client_encoding":
            value = value.lower().replace("-", "")  # UTF-8 is the same
        if allowed and value not in allowed:
            raise ConfigurationError(f"{variable}: {name} can be one of: {', '.join(allowed)}")
        if name in _NUMBERS and not re.fullmatch(r"\d{1,9}", value):
            raise ConfigurationError(f"{variable}: {name} is a number, digits only")
        checked[name] = value
    return checked


@cache
def _known() -> frozenset[str]:
    """The options of the libpq that is installed, without those for its developers."""
    from psycopg.pq import Conninfo  # which takes 10 MiB that SQLite need not have

    usable = {each.keyword.decode() for each in Conninfo.get_defaults() if each.dispchar != b"D"}
    return frozenset(usable - set(_ELSEWHERE))
