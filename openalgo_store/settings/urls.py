"""Database URLs: the many ways to write one, and the form that SQLAlchemy, yoyo and drivers share.

In that form a SQLite path is absolute. Several PostgreSQL hosts, or the folder of a socket, are in
the options `host` and `port`, with commas, as libpq has them.
"""

import os
import re
from collections.abc import Iterable
from itertools import zip_longest
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from sqlalchemy.engine import URL, make_url

from ..errors import ConfigurationError
from .url_options import HIDDEN, check_options

SQLITE_FORM = "sqlite:///folder/file.db"
POSTGRESQL_FORM = "postgresql://user:password@host:5432/database"

_Hosts = list[tuple[str, str]]
"""Names, addresses or folders of sockets, each with its port, which may be blank."""

_URL = re.compile(
    r"""
    (?: (?P<user>[^:/@]*) (?: :(?P<password>[^@]*) )? @ )?
    (?P<rest>
      (?P<hosts>[^/?]*)
      (?: /(?P<database>[^?]*) )?
      (?: \?(?P<options>.*) )?
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_HOST = re.compile(r"(?: \[([^\[\]]+)\] | ([^:\[\]]+) ) (?: :(\d*) )?", re.VERBOSE)
_NAME = re.compile(r"/.+|[\w.-]+|[0-9a-fA-F:.]+(?:%[\w.-]+)?")


def normalise_url(url: str, variable: str) -> str:
    """The one form of a database URL.

    Raises ConfigurationError, which shows no part that may belong to a password.
    """
    scheme, separator, rest = url.partition("://") if isinstance(url, str) else ("", "", "")
    if not separator or not re.fullmatch(r"[\w+]+", scheme):
        raise _not_a_url(variable)
    if scheme in ("sqlite", "sqlite+pysqlite"):
        return _sqlite_url(rest, variable)
    if scheme in ("postgres", "postgresql", "postgresql+psycopg"):
        return _postgresql_url(rest, variable)
    raise ConfigurationError(
        f"{variable} asks for {scheme!r}: the store runs on sqlite:/// and postgresql://"
    )


def hide_password(url: str) -> str:
    """The URL as it may be shown."""
    parsed = make_url(url)
    hidden = {name: "hidden" for name in HIDDEN if name in parsed.query}
    return parsed.update_query_dict(hidden).render_as_string(hide_password=True)


def place_of(url: URL) -> str:
    """Host and port of each PostgreSQL server, and behind the last / the database."""
    hosts = str(url.query.get("host") or url.host).split(",")
    ports = str(url.query.get("port") or url.port or "").split(",")
    usual = os.environ.get("PGPORT") or "5432"
    shown = [f"[{host}]" if ":" in host else host for host in hosts]
    servers = [f"{host}:{port or usual}" for host, port in zip_longest(shown, ports)]
    return f"{','.join(servers)}/{url.database}"


def _not_a_url(variable: str) -> ConfigurationError:
    return ConfigurationError(
        f"{variable} is not a database URL: write {SQLITE_FORM} or {POSTGRESQL_FORM}"
    )


def _sqlite_url(rest: str, variable: str) -> str:
    location, mark, options = rest.partition("?")
    if location and not location.startswith("/"):
        raise ConfigurationError(
            f"{variable}: write three slashes before a relative path, {SQLITE_FORM}, and four "
            "before an absolute one"
        )
    path = location[1:]
    if not path or ":memory:" in path or path.startswith("file:"):
        raise ConfigurationError(
            f"{variable} must name a file ({SQLITE_FORM}): a database in memory "
            "would be another one for each connection"
        )
    if mark:
        names = ", ".join(name for name, _ in parse_qsl(options, keep_blank_values=True))
        raise ConfigurationError(
            f"{variable}: a SQLite URL takes no options: remove ?{names}, which no path can hold "
            "either (how long to wait for another writer is DB_SQLITE_BUSY_TIMEOUT)"
        )
    if re.search(r"[#%\0]", path):
        raise ConfigurationError(f"{variable}: a SQLite path cannot hold any of ? # %: rename it")
    return f"sqlite:///{Path(path).resolve()}"


def _postgresql_url(text: str, variable: str) -> str:
    found = _URL.fullmatch(text)
    if found is None:
        raise _not_a_url(variable)
    if "@" in found["rest"]:
        raise ConfigurationError(
            f"{variable}: write %40 for an @ in a user, a password or an option (and %3A %2F %3F "
            "%23 %25 for : / ? # %): the only bare @ stands before the host"
        )
    options = parse_qsl(found["options"] or "", keep_blank_values=True)
    hosts = _hosts(found["hosts"].split(","), variable) if found["hosts"] else []
    hosts = _with_options(hosts, options, variable)
    query = check_options([each for each in options if each[0] not in ("host", "port")], variable)
    if not hosts or not found["database"]:
        raise ConfigurationError(
            f"{variable} needs a host and a database: {POSTGRESQL_FORM}, or "
            "postgresql://user@/database?host=/var/run/postgresql for a socket"
        )
    database = unquote(found["database"])
    if re.search(r"[#%/?@]", database):
        raise ConfigurationError(
            f"{variable}: a database name cannot hold any of # % / ? @: rename it"
        )
    if not all(1 <= int(port or 1) <= 65535 for _, port in hosts):
        raise ConfigurationError(f"{variable}: a port is a number from 1 to 65535")
    return _rendered(found, hosts, database, query)


def _rendered(found: re.Match[str], hosts: _Hosts, database: str, query: dict[str, str]) -> str:
    """One host stands before the database, a folder or several hosts behind it."""
    user, password = found["user"], found["password"]
    host, port = hosts[0]
    if len(hosts) > 1 or host.startswith("/"):
        query["host"] = ",".join(host for host, _ in hosts)
        if any(port for _, port in hosts):
            query["port"] = ",".join(port for _, port in hosts)
        host = port = ""
    return URL.create(
        "postgresql+psycopg",
        username=None if user is None else unquote(user),
        password=None if password is None else unquote(password),
        host=host or None,
        port=int(port) if port else None,
        database=database,
        query=dict(sorted(query.items())),
    ).render_as_string(hide_password=False)


def _hosts(texts: Iterable[str], variable: str) -> _Hosts:
    """Each `host`, `host:port`, `[address]:port` or folder, also with % as libpq writes it."""
    found: _Hosts = []
    for text in texts:
        is_bare_address = text.count(":") > 1 and not text.startswith("[")
        parts = _HOST.fullmatch(f"[{text}]" if is_bare_address else text)
        host = unquote(parts[1] or parts[2]) if parts else ""
        if parts is None or not _NAME.fullmatch(host):
            raise _not_a_url(variable)
        found.append((host if host.startswith("/") else host.lower(), parts[3] or ""))
    return found


def _with_options(hosts: _Hosts, options: list[tuple[str, str]], variable: str) -> _Hosts:
    """The hosts, which `?host=` may name instead, with the ports that `?port=` may give them."""
    named = [text for name, value in options if name == "host" for text in value.split(",")]
    if named and hosts:
        raise ConfigurationError(
            f"{variable} names hosts before the / and as the option host: keep one of them"
        )
    hosts = hosts or _hosts(named, variable)
    ports = [text for name, value in options if name == "port" for text in value.split(",")]
    if not ports or not hosts:
        return hosts
    if len(ports) == 1:
        ports *= len(hosts)
    if len(ports) != len(hosts) or any(port for _, port in hosts) or not "".join(ports).isdigit():
        raise ConfigurationError(
            f"{variable}: give each host one port: host:5432, or ?host=a,b&port=5432,5433"
        )
    return [(host, port) for (host, _), port in zip(hosts, ports, strict=True)]


def url_of_file(path: Path) -> str:
    """The URL of a database that is this file."""
    return f"sqlite:///{path.resolve()}"
