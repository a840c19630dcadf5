"""Settings: each bad value is one ConfigurationError that names the variable and the mend."""

from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from openalgo_store import (
    ConfigurationError,
    InvalidInput,
    Settings,
    Store,
    get_engine_options,
    get_ttl_to_session_end,
    use_store,
)
from openalgo_store.settings import DATABASES


def test_an_empty_environment_gives_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_env({"DB_POOL_SIZE": " "})
    assert settings == Settings()
    assert settings.url("main") == f"sqlite:///{tmp_path}/databases/openalgo.db"
    assert (settings.db_pool_size, settings.db_max_overflow) == (50, 100)
    assert settings.session_expiry_time == time(3)


def test_every_variable_is_read() -> None:
    given = {
        "DATABASE_URL": "postgresql://u:p@h/main",
        "SANDBOX_DATABASE_URL": "postgresql+psycopg://u:p@h/sandbox",
        "LATENCY_DATABASE_URL": "postgres://u:p@h/latency",
        "LOGS_DATABASE_URL": "sqlite:////tmp/logs.db",
        "TELEGRAM_DATABASE_URL": "sqlite+pysqlite:////tmp/telegram.db",
        "READ_DATABASE_URL": "postgresql://u:p%40@replica/main?sslmode=require",
        "DB_POOL_SIZE": "5",
        "DB_MAX_OVERFLOW": "6",
        "DB_POOL_TIMEOUT": "7.5",
        "DB_POOL_RECYCLE": "8",
        "DB_SQLITE_BUSY_TIMEOUT": "9",
        "DB_SQLITE_IDLE": "2",
        "DB_SQLITE_SYNCHRONOUS": "full",
        "DB_LOCK_TIMEOUT": "10",
        "DB_STATEMENT_TIMEOUT": "11",
        "DB_POOLER": "transaction",
        "DB_SLOW_STATEMENT": "0.5",
        "CACHE_LEASE": "0.02",
        "READ_REPLICA_MAX_LAG": "20",
        "READ_REPLICA_PIN": "3.5",
        "API_KEY_PEPPER": "pepper",
        "TOKEN_ENCRYPTION_KEYS": "new,old",
        "SESSION_EXPIRY_TIME": "04:30",
    }
    settings = Settings.from_env(given)
    assert set(given) == {name.upper() for name in Settings.__dataclass_fields__}
    assert [settings.url(name).partition(":")[0] for name in DATABASES] == [
        "postgresql+psycopg", "postgresql+psycopg", "postgresql+psycopg", "sqlite", "sqlite",
    ]  # fmt: skip
    assert settings.db_sqlite_synchronous == "FULL"
    assert (settings.db_pooler, settings.cache_lease) == ("transaction", 0.02)
    assert (settings.db_pool_timeout, settings.session_expiry_time) == (7.5, time(4, 30))
    assert (settings.api_key_pepper, settings.token_encryption_keys) == ("pepper", "new,old")


@pytest.mark.parametrize(
    ("variable", "value", "mend"),
    [
        ("DATABASE_URL", "nonsense", "sqlite:///folder/file.db"),
        ("LOGS_DATABASE_URL", "mysql://u:p@h/db", "sqlite:/// and postgresql://"),
        ("DATABASE_URL", "sqlite://", "must name a file"),
        ("DATABASE_URL", "sqlite:///:memory:", "must name a file"),
        ("DATABASE_URL", "sqlite:///file:x?mode=memory", "must name a file"),
        ("DATABASE_URL", "sqlite:///a%20b.db", "rename it"),
        ("DATABASE_URL", "sqlite:///a?b.db", "takes no options"),
        ("TELEGRAM_DATABASE_URL", "postgresql://u:p@h", "needs a host and a database"),
        ("TELEGRAM_DATABASE_URL", "postgresql:///db", "needs a host and a database"),
        ("DATABASE_URL", "postgresql://u@h/db?password=hush", "before the @"),
        ("DATABASE_URL", "postgresql://u:p%40@h/a%2520b", "a database name cannot hold"),
        ("READ_DATABASE_URL", "postgresql://u:p@h:port/db", "postgresql://user:password@host"),
        ("DB_POOL_SIZE", "many", "digits only"),
        ("DB_POOL_SIZE", "0", "1 or more"),
        ("DB_MAX_OVERFLOW", "-1", "0 or more"),
        ("DB_POOL_TIMEOUT", "nan", "digits, as in 30"),
        ("DB_SQLITE_BUSY_TIMEOUT", "1e9", "digits, as in 30"),
        ("DB_SQLITE_SYNCHRONOUS", "sometimes", "OFF, NORMAL, FULL, EXTRA"),
        ("DB_POOLER", "pgbouncer", "transaction"),
        ("CACHE_LEASE", "soon", "digits, as in 30"),
        ("CACHE_LEASE", "-1", "0 or more"),
        ("SESSION_EXPIRY_TIME", "3am", "HH:MM"),
        ("SESSION_EXPIRY_TIME", "25:00", "HH:MM"),
    ],
)
def test_a_bad_value_is_refused_by_name(variable: str, value: str, mend: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Settings.from_env({variable: value})
    assert str(raised.value).startswith(variable)
    assert mend in str(raised.value)


def test_no_secret_is_shown() -> None:
    settings = Settings(
        database_url="postgresql://u:hush@h/db",
        read_database_url="postgresql://u:hush@h/db",
        api_key_pepper="hush",
        token_encryption_keys="hush",
    )
    assert "hush" not in repr(settings)
    assert "hush" not in str(settings)
    with pytest.raises(ConfigurationError) as raised:
        Settings(database_url="postgresql://u:hush@h")
    assert "hush" not in str(raised.value)


def test_a_database_has_one_of_five_names() -> None:
    with pytest.raises(ConfigurationError, match="one of main, sandbox, latency, logs, telegram"):
        Settings().url("orders")


def test_a_later_change_of_folder_moves_no_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings()
    monkeypatch.chdir("/")
    assert settings.url("main") == f"sqlite:///{tmp_path}/databases/openalgo.db"


def test_the_pool_options_are_the_specifications() -> None:
    assert get_engine_options("postgresql://u:p@h/db", Settings()) == {
        "pool_size": 50,
        "max_overflow": 100,
        "pool_timeout": 30,
        "pool_recycle": 1800,
        "pool_pre_ping": True,
    }
    assert get_engine_options("sqlite:///x.db")["poolclass"].__name__ == "NullPool"


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        (datetime(2026, 8, 24, 21, 29, 59, 999999, UTC), 0.000001),  # 02:59:59.999999 IST
        (datetime(2026, 8, 24, 21, 30, tzinfo=UTC), 24 * 3600),  # 03:00 IST: the next one
        (datetime(2026, 8, 24, 18, 30, tzinfo=UTC), 3 * 3600),  # midnight IST
        (datetime(2028, 2, 29, 3, 45, tzinfo=UTC), 17.75 * 3600),  # 09:15 IST, a leap day
    ],
)
def test_the_session_ends_at_three_in_india(moment: datetime, seconds: float) -> None:
    assert get_ttl_to_session_end(moment) == seconds


def test_the_session_end_follows_the_setting(tmp_path: Path) -> None:
    settings = Settings.from_env(
        {"DATABASE_URL": f"sqlite:///{tmp_path}/x.db", "SESSION_EXPIRY_TIME": "04:00"}
    )
    with Store(settings) as store:
        use_store(store)
        midnight = datetime(2026, 8, 24, 18, 30, tzinfo=UTC)
        assert get_ttl_to_session_end(midnight) == 4 * 3600
    use_store(None)
    assert 0 < get_ttl_to_session_end() <= 24 * 3600
    with pytest.raises(InvalidInput, match="aware"):
        get_ttl_to_session_end(datetime(2026, 8, 24))
