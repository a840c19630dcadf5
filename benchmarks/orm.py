"""The specification's way: its model and functions through SQLAlchemy's ORM.

The tables are those of our migrations, so schema and indexes are the same (but for API keys, whose
Argon2 hash no column of ours holds); so are the pool's settings and SQLite's pragmas. There is an
ORM here and in orm_books.py, and nowhere else in the project.
"""

import csv
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytz
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from cachetools import TTLCache
from sqlalchemy import Engine, String, UniqueConstraint, create_engine, event, or_
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import NullPool
from sqlalchemy.types import DateTime


class Base(DeclarativeBase):
    """The models' base."""


class Symbol(Base):
    """The symbol master, with the two columns that our table has beside the specification's."""

    __tablename__ = "symbols"
    __table_args__ = (UniqueConstraint("broker", "symbol", "exchange", name="uix_symbol"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    broker: Mapped[str] = mapped_column(String(50))
    symbol: Mapped[str] = mapped_column(String(50))
    broker_symbol: Mapped[str] = mapped_column(String(100))
    token: Mapped[str] = mapped_column(String(50))
    exchange: Mapped[str] = mapped_column(String(20))
    broker_exchange: Mapped[str | None] = mapped_column(String(20))
    name: Mapped[str | None] = mapped_column(String(100))
    instrument_type: Mapped[str | None] = mapped_column(String(20))
    lot_size: Mapped[int | None]
    tick_size: Mapped[float | None]
    expiry: Mapped[date | None]
    strike: Mapped[float | None]
    option_type: Mapped[str | None] = mapped_column(String(5))
    contract_value: Mapped[float | None]
    last_updated: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class User(Base):
    """Who may log in."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(80))
    email: Mapped[str] = mapped_column(String(120))
    is_active: Mapped[bool]


class ApiKey(Base):
    """An API key as its Argon2 hash, in a table of its own."""

    __tablename__ = "hashed_api_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int]
    api_key_hash: Mapped[str]
    is_active: Mapped[bool] = mapped_column(default=True)


class LatencyMetric(Base):
    """How long a call to a broker took."""

    __tablename__ = "latency_metrics"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[str | None] = mapped_column(String(50))
    broker: Mapped[str | None] = mapped_column(String(50))
    operation: Mapped[str] = mapped_column(String(50))
    start_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    end_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    latency_ms: Mapped[float]
    success: Mapped[bool]
    error_message: Mapped[str | None]


def get_engine(url: str) -> Engine:
    """The engine with the specification's pool."""
    if "postgresql" in url:
        return create_engine(
            url,
            pool_size=50,
            max_overflow=100,
            pool_timeout=30,
            pool_recycle=1800,
            pool_pre_ping=True,
        )
    engine = create_engine(url, poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")

    return engine


@contextmanager
def get_db_session(engine: Engine) -> Iterator[Session]:
    """A transaction around a block."""
    session = Session(engine)
    try:
        yield session
        session.commit()
    except Exception:
        session.rollback()
        raise
    finally:
        session.close()


def read_file(file: Path, broker: str) -> list[dict[str, Any]]:
    """The rows of a Zerodha file as mappings: contracts renamed, nothing checked."""
    now = datetime.now(UTC)
    with file.open(newline="") as lines:
        return [_mapping(row, broker, now) for row in csv.DictReader(lines)]


def _mapping(row: dict[str, str], broker: str, now: datetime) -> dict[str, Any]:
    kind = row["instrument_type"]
    expiry = date.fromisoformat(row["expiry"]) if row["expiry"] else None
    symbol = row["tradingsymbol"]
    if expiry:
        strike = f"{float(row['strike']):g}{kind}" if kind in ("CE", "PE") else kind
        symbol = f"{row['name']}{expiry:%d%b%y}{strike}".upper()
    return {
        "broker": broker,
        "symbol": symbol,
        "broker_symbol": row["tradingsymbol"],
        "token": f"{row['instrument_token']}::::{row['exchange_token']}",
        "exchange": row["exchange"],
        "broker_exchange": row["exchange"],
        "name": row["name"] or None,
        "instrument_type": kind,
        "lot_size": int(row["lot_size"]),
        "tick_size": float(row["tick_size"]),
        "expiry": expiry,
        "strike": float(row["strike"]),
        "option_type": kind if kind in ("CE", "PE") else None,
        "contract_value": None,
        "last_updated": now,
    }


def bulk_insert_symbols(engine: Engine, symbols_data: list[dict[str, Any]]) -> None:
    """Insert many symbols."""
    with get_db_session(engine) as session:
        session.bulk_insert_mappings(Symbol, symbols_data)


def reload_symbols(engine: Engine, symbols_data: list[dict[str, Any]], broker: str) -> None:
    """The daily reload: delete the broker's symbols and insert the new ones."""
    with get_db_session(engine) as session:
        session.query(Symbol).filter_by(broker=broker).delete()
        session.bulk_insert_mappings(Symbol, symbols_data)


def find_token(session: Session, symbol: str, exchange: str, broker: str) -> str | None:
    """The token from the database."""
    found = (
        session.query(Symbol)
        .filter_by(broker=broker, symbol=symbol, exchange=exchange)
        .one_or_none()
    )
    return found.token if found else None


def read_token(engine: Engine, symbol: str, exchange: str, broker: str) -> str | None:
    """The token from the database, in a session of its own."""
    with get_db_session(engine) as session:
        return find_token(session, symbol, exchange, broker)


def search_symbols(engine: Engine, query: str, broker: str) -> list[Symbol]:
    """The first 50 symbols in which each word stands somewhere, as the specification searches."""
    searched = (Symbol.symbol, Symbol.broker_symbol, Symbol.name, Symbol.token)
    with get_db_session(engine) as session:
        found = session.query(Symbol).filter(Symbol.broker == broker)
        for word in query.split():
            found = found.filter(or_(*(each.ilike(f"%{word}%") for each in searched)))
        return found.limit(50).all()


def option_chain(
    engine: Engine, name: str, exchange: str, expiry: date, broker: str
) -> list[Symbol]:
    """The options of one expiry, in the order of their strikes."""
    with get_db_session(engine) as session:
        found = session.query(Symbol).filter_by(
            name=name, exchange=exchange, expiry=expiry, broker=broker
        )
        return found.filter(Symbol.option_type.is_not(None)).order_by(Symbol.strike).all()


def get_ttl_to_session_end() -> float:
    """Seconds until 3:00 AM IST."""
    now = datetime.now(pytz.timezone("Asia/Kolkata"))
    next_session_end = now.replace(hour=3, minute=0, second=0, microsecond=0)
    if now.hour >= 3:
        next_session_end += timedelta(days=1)
    return (next_session_end - now).total_seconds()


# 50,000 in the specification, which no broker's master fits in: this one holds all.
symbol_cache: TTLCache[str, str] = TTLCache(maxsize=250_000, ttl=get_ttl_to_session_end())
symbol_cache_lock = threading.Lock()  # without one it breaks under threads


def warm_symbol_cache(engine: Engine) -> int:
    """Put every token into the cache; how many."""
    with get_db_session(engine) as session:
        for each in session.query(Symbol).yield_per(5000):
            symbol_cache[f"{each.broker}:{each.exchange}:{each.symbol}"] = each.token
    return len(symbol_cache)


def get_symbol_token(engine: Engine, symbol: str, exchange: str, broker: str) -> str | None:
    """The token from the cache, else from the database."""
    key = f"{broker}:{exchange}:{symbol}"
    try:
        with symbol_cache_lock:
            return symbol_cache[key]
    except KeyError:
        pass
    token = read_token(engine, symbol, exchange, broker)
    if token is not None:
        with symbol_cache_lock:
            symbol_cache[key] = token
    return token


def record_latency(engine: Engine, call: dict[str, Any]) -> None:
    """One row, committed."""
    with get_db_session(engine) as session:
        session.add(LatencyMetric(**call))


hasher = PasswordHasher()
api_key_cache: TTLCache[str, str] = TTLCache(maxsize=1000, ttl=36000)
api_key_cache_lock = threading.Lock()


def add_api_keys(engine: Engine, user_id: int, hashes: list[str]) -> None:
    """Store the hashes of API keys."""
    Base.metadata.tables["hashed_api_keys"].create(engine, checkfirst=True)
    with get_db_session(engine) as session:
        session.add_all(ApiKey(user_id=user_id, api_key_hash=each) for each in hashes)


def find_username(engine: Engine, api_key: str) -> str | None:
    """Whose key it is: each hash has a salt of its own, so all are tried until one fits."""
    with get_db_session(engine) as session:
        for each in session.query(ApiKey).filter_by(is_active=True).order_by(ApiKey.id):
            try:
                hasher.verify(each.api_key_hash, api_key)
            except VerifyMismatchError:
                continue
            user = session.get(User, each.user_id)
            return user.username if user else None
    return None


def get_username_by_api_key(engine: Engine, api_key: str) -> str | None:
    """Whose key it is, from the cache, else from the database. The cache holds the key itself."""
    try:
        with api_key_cache_lock:
            return api_key_cache[api_key]
    except KeyError:
        pass
    username = find_username(engine, api_key)
    if username is not None:
        with api_key_cache_lock:
            api_key_cache[api_key] = username
    return username
