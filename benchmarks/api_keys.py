"""Finding the user behind an API key: what every request begins with."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from openalgo_store import (
    Store,
    create_api_key,
    create_user,
    get_user_by_api_key,
    hash_password,
    use_store,
)
from openalgo_store.security.secrets import new_api_key

from . import orm
from .measure import Figure, medians, seconds
from .setting import Database, Setting

STORED = (1, 10, 100)
CACHED, UNCACHED = 100_000, 200
PROMISED_MICROSECONDS = 3.0
PEPPER = "the pepper of a benchmark, which protects nothing"

_FIND = """
SELECT u.id, u.username, u.email, u.created_at, u.is_active
FROM api_keys AS k
JOIN users AS u ON u.id = k.user_id
WHERE k.api_key = ? AND k.is_active AND u.is_active
"""

Find = Callable[[str], object]


def run(setting: Setting) -> list[Figure]:
    """With 1, 10 and 100 keys stored; what is looked up is the one in the middle."""
    keys = [new_api_key() for _ in range(max(STORED))]
    hashes = [orm.hasher.hash(key) for key in keys]
    figures = []
    for database in setting.databases:
        with _peppered(database) as store:
            user = create_user("asha", "asha@example.org", hash_password("a password"))
            stored = 0
            for count in STORED:
                new = iter(keys[stored:count])
                for _ in range(stored, count):
                    create_api_key(user.id, generate=new.__next__)
                orm.add_api_keys(database.orm, user.id, hashes[stored:count])
                stored = count
                figures.append(_uncached(database, store, keys[:count], setting.repeat))
            figures += _cached(database, store, keys[0], setting.repeat)
    return figures


@contextmanager
def _peppered(database: Database) -> Iterator[Store]:
    """A store with a pepper, used until the end of the block."""
    with Store(replace(database.store.settings, api_key_pepper=PEPPER)) as store:
        use_store(store)
        yield store
    database.use()


def _uncached(database: Database, store: Store, keys: list[str], repeat: int) -> Figure:
    """ms. The raw driver hashes the key and asks on one connection; the ORM tries hash by hash."""
    engine, sql = database.raw, database.raw.statement(_FIND)

    def by_raw(key: str) -> None:
        engine.connection.execute(sql, (store.secrets.digest(key),)).fetchone()

    def ours(key: str) -> None:
        store.api_keys.forget([store.secrets.digest(key)])
        get_user_by_api_key(key)

    key = keys[len(keys) // 2]
    ways = {
        "raw": _timed(by_raw, key, UNCACHED),
        "ours": _timed(ours, key, UNCACHED),
        "orm": _timed(partial(orm.find_username, database.orm), key, 1),
    }
    found = {name: each * 1e3 for name, (each,) in medians(ways, repeat).items()}
    work = f"API key, uncached, of {len(keys)}"
    return Figure(work, database.name, "ms", found["raw"], found["ours"], found["orm"])


def _cached(database: Database, store: Store, key: str, repeat: int) -> list[Figure]:
    """µs. What the raw driver would have to do is to hash the key; the ORM's cache holds it."""
    ways = {
        "hash": _timed(store.secrets.digest, key, CACHED),
        "ours": _timed(get_user_by_api_key, key, CACHED),
        "orm": _timed(partial(orm.get_username_by_api_key, database.orm), key, CACHED),
    }
    found = {name: each * 1e6 for name, (each,) in medians(ways, repeat).items()}
    hashing, ours = found["hash"], found["ours"]
    return [
        Figure("API key, cached", database.name, "µs", hashing, ours, found["orm"]),
        Figure("the same, above hashing it", database.name, "µs", None, ours - hashing, None,
               below=PROMISED_MICROSECONDS),
    ]  # fmt: skip


def _timed(find: Find, key: str, times: int) -> Callable[[], tuple[float, ...]]:
    """Seconds of one call, the first one, which may fill a cache, not counted."""

    def repeated() -> None:
        for _ in range(times):
            find(key)

    def measured() -> tuple[float, ...]:
        if times > 1:
            find(key)
        return (seconds(repeated) / times,)

    return measured
