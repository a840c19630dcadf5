"""What grows with the rest of the database: with its tables, and with the rows of a master."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import NamedTuple

from openalgo_store import get_order, read_instruments, replace_symbols
from openalgo_store.instruments.samples.generator import write_zerodha_file

from . import BROKER, orm_books, raw, raw_books, raw_symbols
from .books import trader_of, user_of
from .measure import Figure, Way, in_turns, seconds
from .orders import Writes, fill_writes, order_writes, place_orders, timed
from .setting import Database, Setting

MORE_TABLES = 50
WAYS = ("raw", "ours", "orm")


class Work(NamedTuple):
    """One piece of work, and whether its orders have to be there before."""

    name: str
    writes: Callable[[Database, int], Writes]
    placed: bool


def run(setting: Setting) -> list[Figure]:
    """Tables first: a new connection of SQLite reads the whole schema. Then loads."""
    return _of_tables(setting) + _of_loads(setting)


def _of_tables(setting: Setting) -> list[Figure]:
    """How many times as long each way takes with 50 more tables; the two databases take turns."""
    works = (
        Work("order", order_writes, placed=False),
        Work("read", _reads, placed=True),
        Work("fill", fill_writes, placed=True),
    )
    figures, numbers = [], map("N{:09}".format, count())
    with setting.new_databases("few", "many") as found:
        for databases in found:
            for database in databases.values():
                trader_of(database, setting.scale.few_orders)
            _add_tables(databases["many"])
            figures += [_grown(setting, databases, work, numbers) for work in works]
    return figures


def _add_tables(database: Database) -> None:
    """Empty ones, as those of the areas that are to come, with two indexes each."""
    for number in range(MORE_TABLES):
        name = f"further_{number}"
        for statement in (
            f"CREATE TABLE {name} (id BIGINT PRIMARY KEY, user_id BIGINT NOT NULL "
            f"REFERENCES users (id), name TEXT NOT NULL CHECK (length(name) <= 100), value TEXT, "
            f"is_active BOOLEAN NOT NULL, created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP)",
            f"CREATE UNIQUE INDEX uq_{name} ON {name} (user_id, name)",
            f"CREATE INDEX ix_{name} ON {name} (user_id, created_at)",
        ):
            database.raw.connection.execute(statement)


def _grown(
    setting: Setting, databases: dict[str, Database], work: Work, numbers: Iterator[str]
) -> Figure:
    users = {name: user_of(database, "writer") for name, database in databases.items()}
    writes = {
        f"{way} {name}": write
        for name, database in databases.items()
        for way, write in work.writes(database, users[name]).items()
        if way in WAYS
    }

    def place(way_and_name: str, ids: list[str]) -> None:
        way, name = way_and_name.split()
        databases[name].use()
        if work.placed:
            place_orders(databases[name], None, users[name], way, ids)

    measured = timed(setting, writes, numbers, place)
    rounds = {way: _growth(measured[f"{way} few"], measured[f"{way} many"]) for way in WAYS}
    return Figure(f"{work.name}, 66 tables in 16", databases["few"].name, "", rounds)


def _growth(small: list[tuple[float, ...]], large: list[tuple[float, ...]]) -> list[float]:
    """How many times the small figure the large one is, round by round."""
    return [more / less for (less, *_), (more, *_) in zip(small, large, strict=True)]


def _reads(database: Database, user: int) -> Writes:
    sql = database.raw.statement(raw_books.GET_ORDER)
    return {
        "raw": lambda order_id: database.raw.one(sql, (order_id,)),
        "ours": get_order,
        "orm": partial(orm_books.get_order, database.orm),
    }


def _of_loads(setting: Setting) -> list[Figure]:
    """First loads of three sizes from file to table: 10,000, 100,000, 1,000,000 in a whole run."""
    symbols, figures = setting.scale.symbols, []
    sizes = (symbols // 20, symbols // 2, symbols * 5)
    for size in sizes:
        write_zerodha_file(_file(setting, size), size)
    for database in setting.databases:
        ways = {way: load for size in sizes for way, load in _loads(database, setting, size)}
        found = in_turns(ways, min(3, setting.scale.repeat))
        for size in sizes:
            each = {way: found[f"{way} {size}"] for way in ("raw", "ours")}
            case = f"load of {size:,}, a row"
            figures.append(Figure.of(case, database.name, "µs", each, 1e6))
        growth = {
            way: _growth(found[f"{way} {sizes[1]}"], found[f"{way} {sizes[2]}"])
            for way in ("raw", "ours")
        }
        figures.append(Figure("load, ten times the rows, a row", database.name, "", growth))
    return figures


def _file(setting: Setting, size: int) -> Path:
    return setting.folder / f"{size}.csv"


def _loads(database: Database, setting: Setting, size: int) -> Iterator[tuple[str, Way]]:
    """Each from a file, so that no million rows have to be held for them."""
    engine, file = database.raw, _file(setting, size)

    def by_raw() -> tuple[float, ...]:
        engine.empty()
        rows = raw_symbols.read_file(engine, file, BROKER)
        return (seconds(lambda: raw.load(engine, rows, raw_symbols.SYMBOLS)) / size,)

    def ours() -> tuple[float, ...]:
        database.use()
        engine.empty()
        return (seconds(lambda: replace_symbols(read_instruments(BROKER, file), BROKER)) / size,)

    yield f"raw {size}", by_raw
    yield f"ours {size}", ours
