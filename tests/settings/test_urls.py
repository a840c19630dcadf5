"""Database URLs: the many ways to write one, what is refused, and what is never shown."""

from itertools import product

import pytest
from psycopg.pq import Conninfo, ConnStatus, PGconn
from sqlalchemy.engine import make_url

from openalgo_store import ConfigurationError, Settings, get_engine_options
from openalgo_store.settings.url_options import _VALUES, HIDDEN
from openalgo_store.settings.urls import hide_password, normalise_url, place_of

SOCKET = "postgresql+psycopg://u:p@/db?host=%2Fvar%2Frun%2FPG"
BOTH = "postgresql+psycopg://u:p@/db?host=h1%2Ch2&port=5432%2C5433"

FORMS = [
    ("postgresql://u:p@/db?host=/var/run/PG", SOCKET),
    ("postgresql://u:p@%2Fvar%2Frun%2FPG/db", SOCKET),
    ("postgresql://u:p@%2Fvar%2Frun%2FPG:6000/db", f"{SOCKET}&port=6000"),
    ("postgresql://u:p@/db?host=/var/run/PG&port=6000", f"{SOCKET}&port=6000"),
    ("postgres://u:p@h1:5432,h2:5433/db", BOTH),
    ("postgresql://u:p@H1:5432,H2:5433/db", BOTH),
    ("postgresql://u:p@/db?host=h1:5432&host=h2:5433", BOTH),
    ("postgresql://u:p@/db?host=h1,h2&port=5432,5433", BOTH),
    ("postgresql://u:p@h1,h2/db?port=5432,5433", BOTH),
    ("postgresql://u:p@h1,h2/db?port=6", "postgresql+psycopg://u:p@/db?host=h1%2Ch2&port=6%2C6"),
    ("postgresql://u:p@h1,h2/db", "postgresql+psycopg://u:p@/db?host=h1%2Ch2"),
    ("postgresql://u:p@/db?host=h1&port=5433", "postgresql+psycopg://u:p@h1:5433/db"),
    ("postgresql://u:p@/db?host=::1", "postgresql+psycopg://u:p@[::1]/db"),
    (
        "postgresql://u:p@[::1]:5432,[fe80::2]/db",
        "postgresql+psycopg://u:p@/db?host=%3A%3A1%2Cfe80%3A%3A2&port=5432%2C",
    ),
    (
        "postgresql://u:p@h1/db?sslmode=require&application_name=a%40b",
        "postgresql+psycopg://u:p@h1/db?application_name=a%40b&sslmode=require",
    ),
    (
        "postgresql://u:p@h1/db?client_encoding=UTF-8",
        "postgresql+psycopg://u:p@h1/db?client_encoding=utf8",
    ),
]


@pytest.mark.parametrize(("written", "form"), FORMS)
def test_every_way_to_write_a_database_has_one_form(written: str, form: str) -> None:
    assert normalise_url(written, "DATABASE_URL") == form
    assert normalise_url(form, "DATABASE_URL") == form


@pytest.mark.parametrize(
    ("written", "name"), [("a b", "a b"), ("a%20b", "a b"), ("é", "é"), ("%C3%A9", "é")]
)
def test_a_database_may_have_any_name_in_either_spelling(written: str, name: str) -> None:
    url = normalise_url(f"postgresql://u:p@h/{written}", "DATABASE_URL")
    assert make_url(url).database == name
    assert normalise_url(url, "DATABASE_URL") == url


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://u:p@h1/db", "h1:5432/db"),
        ("postgresql://u:p@h1,h2:5433/db", "h1:5432,h2:5433/db"),
        ("postgresql://u:p@%2Fvar%2Frun/db", "/var/run:5432/db"),
        ("postgresql://u:p@[::1]:6000/db", "[::1]:6000/db"),
    ],
)
def test_a_database_is_known_by_its_servers_and_its_name(url: str, place: str) -> None:
    assert place_of(make_url(normalise_url(url, "DATABASE_URL"))) == place


def test_the_port_that_the_driver_takes_is_the_one_that_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGPORT", "6001")
    assert place_of(make_url("postgresql+psycopg://u:p@h1/db")) == "h1:6001/db"


@pytest.mark.parametrize(
    ("url", "mend"),
    [
        ("postgresql://u:p@h/db?pgbouncer=true", "DB_POOLER=transaction in place of the option pg"),
        ("postgresql://u:p@h/db?schema=x", "options=-csearch_path%3DNAME"),
        ("postgresql://u:p@h/db?timeout=15", "the option timeout is not known: .*connect_timeout,"),
        ("postgresql://u:p@h/db?prepare_threshold=0", "prepare_threshold is not known"),
        ("postgresql://u:p@h/db?replication=database", "replication is not known"),
        ("postgresql://u:p@h/db?sslmode=no-verify", "sslmode can be .*, verify-full$"),
        ("postgresql://u:p@h/db?sslmode=", "sslmode can be"),
        ("postgresql://u:p@h/db?target_session_attrs=master", "target_session_attrs can be .*prim"),
        ("postgresql://u:p@h/db?client_encoding=latin1", "client_encoding can be one of: utf8"),
        ("postgresql://u:p@h/db?connect_timeout=5s", "connect_timeout is a number"),
        ("postgresql://u:p@h/db?sslmode=require&sslmode=require", "sslmode is there twice"),
        ("postgresql://u@h/db?password=hush", "before the @"),
        ("postgresql://h/db?user=u", "before the @"),
        ("postgresql://h/?dbname=db", "behind the /"),
        ("postgresql://u:p@h1/db?host=h2", "before the / and as the option host"),
        ("postgresql://u:p@h1,h2,h3/db?port=1,2", "each host one port"),
        ("postgresql://u:p@h1:1/db?port=1", "each host one port"),
        ("postgresql://u:p@h1/db?port=one", "each host one port"),
        ("postgresql://u:p@h1:70000/db", "from 1 to 65535"),
        ("postgresql://u:p@h1,/db", "postgresql://user:password@host:5432/database"),
        ("postgresql://u:p@a b/db", "postgresql://user:password@host:5432/database"),
        ("postgresql:///db", "host=/var/run/postgresql"),
        ("postgresql://u:p@h/a/b", "a database name cannot hold"),
        ("sqlite:///a.db?timeout=15", "remove .timeout.*DB_SQLITE_BUSY_TIMEOUT"),
        ("sqlite:///a.db?mode=ro&cache=shared", "remove .mode, cache"),
        ("sqlite://databases/a.db", "three slashes"),
    ],
)
def test_what_cannot_work_is_refused_as_it_is_read(url: str, mend: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^DATABASE_URL.*{mend}"):
        Settings.from_env({"DATABASE_URL": url})


def test_the_values_of_options_are_those_of_the_driver() -> None:
    """libpq looks at them before it connects; a value that is not among them is an error to it."""
    names = {each.keyword.decode() for each in Conninfo.get_defaults()}
    for name in set(_VALUES) & names - {"client_encoding"}:
        for value in (*_VALUES[name], "nonsense"):
            assert _is_taken(name, value) == (value != "nonsense"), (name, value)


def _is_taken(name: str, value: str) -> bool:
    """Whether libpq comes as far as to look for the socket."""
    if name in ("sslsni", "keepalives", "gssdelegation"):  # which it reads later, as numbers
        return value in "01"
    if (name, value) == ("gssencmode", "require"):  # not in every build
        return True
    connection = PGconn.connect_start(f"host=/nowhere dbname=d {name}={value}".encode())
    assert connection.status == ConnStatus.BAD
    message = connection.error_message
    return b"invalid" not in message or b"range" in message  # of two versions: fine each alone


SPECIAL = [
    "@",
    "/",
    "#",
    "?",
    ":",
    "%",
    "%4",
    "&",
    "=",
    "+",
    " ",
    "'",
    '"',
    "\\",
    "é",
    ",",
    "[",
    "]",
]


@pytest.mark.parametrize("special", SPECIAL)
def test_a_password_may_hold_anything_that_is_written_with_percent(special: str) -> None:
    password = f"top{special}secret"
    written = "".join(f"%{byte:02x}" for byte in password.encode())
    url = normalise_url(f"postgresql://u:{written}@h/db", "DATABASE_URL")
    assert make_url(url).password == password
    assert "secret" not in hide_password(url)


BARE = [*"@/#?:%", "@@", "@/", "/@", "@?", "?@", "@:", ":@", "@#", "?a=", "@?a="]
TAILS = [
    "@host/db",
    "@host:5432/db",
    "@host",
    "@/db",
    "/db",
    "",
    "@h1,h2/db",
    "@host/db?sslmode=no",
]


@pytest.mark.parametrize(("bare", "tail"), list(product(BARE, TAILS)))
def test_no_part_of_a_password_with_a_bare_sign_is_ever_shown(bare: str, tail: str) -> None:
    url = f"postgresql://user:alpha{bare}omega{bare}sigma{tail}"
    said = []
    try:
        settings = Settings.from_env({"DATABASE_URL": url})
    except ConfigurationError as error:
        said += [str(error), repr(error.__cause__), repr(error.__context__)]
    else:
        normal = settings.database_url
        said += [repr(settings), hide_password(normal), place_of(make_url(normal))]
    for part in ("alpha", "omega", "sigma"):
        assert not [each for each in said if part in each], (url, said)


def test_a_bare_at_in_a_password_is_told_how_to_be_written() -> None:
    with pytest.raises(ConfigurationError, match=r"^SANDBOX_DATABASE_URL: write %40 for an @"):
        Settings.from_env({"SANDBOX_DATABASE_URL": "postgresql://user:p@ss@host/db"})
    with pytest.raises(ConfigurationError, match=r"^url: write %40 for an @"):
        get_engine_options("postgresql://user:p@ss@host/db")


@pytest.mark.parametrize("name", HIDDEN)
def test_an_option_that_is_a_secret_is_not_shown(name: str) -> None:
    settings = Settings(database_url=f"postgresql://u@h/db?{name}=hush&sslmode=require")
    assert "hush" in settings.database_url
    assert "hush" not in repr(settings)
    assert "sslmode=require" in hide_password(settings.database_url)
