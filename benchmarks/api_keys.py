"""Finding the user behind an API key: what every request begins with."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from openalgo_store import Store, create_api_key, get_user_by_api_key, use_store
from openalgo_store.security.secrets import new_api_key

from . import orm
from .books import user_named
from .measure import Figure, batch, in_turns
from .setting import Database, Setting

STORED = (1, 100)
PEPPER = "the pepper of a benchmark, which protects nothing"

_FIND = """
SELECT u.id, u.username, u.email, u.created_at, u.is_active
FROM api_keys AS k
JOIN users AS u ON u.id = k.user_id
WHERE k.api_key = ? AND k.is_active AND u.is_active
"""

Tried = dict[int, list[tuple[float, ...]]]
"""What the ORM took, by the number of keys: hashes are tried as long whatever the engine is."""


def run(setting: Setting) -> list[Figure]:
    """With 1 and with 100 keys stored; what is looked up is the one in the middle."""
    keys = [new_api_key() for _ in range(max(STORED))]
    hashes = _hashes(keys)
    tried: Tried = {}
    figures = []
    for database in setting.databases:
        with _peppered(database) as store:
            user, stored = user_named("asha"), 0
            for count in STORED:
                new = iter(keys[stored:count])
                for _ in range(stored, count):
                    create_api_key(user, generate=new.__next__)
                orm.add_api_keys(database.orm, user, hashes[stored:count])
                stored = count
                figures.append(_uncached(database, store, keys[:count], setting, tried))
            figures.append(_cached(database, store, keys[0], setting))
    return figures


def _hashes(keys: list[str]) -> list[str]:
    """One for each key. The two that are looked for are true, the rest are of none of them:
    to find that a key is not the one takes as long.
    """
    another = orm.hasher.hash(new_api_key())
    sought = {keys[count // 2] for count in STORED}
    return [orm.hasher.hash(key) if key in sought else another for key in keys]


@contextmanager
def _peppered(database: Database) -> Iterator[Store]:
    """A store with a pepper, used until the end of the block."""
    with Store(replace(database.store.settings, api_key_pepper=PEPPER)) as store:
        use_store(store)
        yield store
    database.use()


def _uncached(
    database: Database, store: Store, keys: list[str], setting: Setting, tried: Tried
) -> Figure:
    """The raw driver hashes the key and asks, as we do; the ORM tries hash by hash."""
    engine, sql = database.raw, database.raw.statement(_FIND)
    key = keys[len(keys) // 2]
    digest = store.secrets.digest(key)

    def by_raw() -> None:
        engine.one(sql, (store.secrets.digest(key),))

    def ours() -> None:
        store.api_keys.forget([digest])
        get_user_by_api_key(key)

    ways = {
        "raw": batch(200, by_raw),
        "ours": batch(200, ours),
    }
    if len(keys) not in tried:
        ways["orm"] = batch(1, partial(orm.find_username, database.orm, key))
    found = in_turns(ways, setting.scale.repeat)
    found["orm"] = tried.setdefault(len(keys), found.get("orm", []))
    return Figure.of(f"API key, uncached, of {len(keys)}", database.name, "ms", found, 1e3)


def _cached(database: Database, store: Store, key: str, setting: Setting) -> Figure:
    """What the raw driver would have to do is to hash the key; the ORM's cache holds it."""
    assert get_user_by_api_key(key)
    orm.get_username_by_api_key(database.orm, key)
    times = setting.scale.cached
    ways = {
        "raw": batch(times, partial(store.secrets.digest, key)),
        "ours": batch(times, partial(get_user_by_api_key, key)),
        "orm": batch(times, partial(orm.get_username_by_api_key, database.orm, key)),
    }
    found = in_turns(ways, setting.scale.rounds)
    return Figure.of("API key, cached", database.name, "µs", found, 1e6)
