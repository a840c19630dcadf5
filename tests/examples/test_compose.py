"""The files beside compose.yaml fit each other; no Docker runs them here."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from openalgo_store import Settings, read_env_file
from openalgo_store.settings import DATABASES

COMPOSE = Path(__file__).resolve().parents[2] / "examples" / "compose"


def test_the_environment_names_the_databases_that_the_servers_have() -> None:
    environment = read_env_file(COMPOSE / "example.env")
    settings = Settings.from_env(environment)
    assert settings.db_pooler == "transaction"
    urls = [settings.url(name) for name in DATABASES]
    made = re.findall(r"^CREATE DATABASE (\w+)", (COMPOSE / "primary.sh").read_text(), re.MULTILINE)
    assert [urlsplit(url).path.strip("/") for url in urls] == made
    pooled = (COMPOSE / "pgbouncer.ini").read_text()
    replica = urlsplit(settings.read_database_url)
    assert f"{replica.path.strip('/')} = host=replica dbname={made[0]}\n" in pooled
    for url in map(urlsplit, [*urls, settings.read_database_url]):
        assert url.password == environment["OPENALGO_PASSWORD"]
        assert f"listen_port = {url.port}\n" in pooled
    asked = set(re.findall(r"\$\{(\w+):\?", (COMPOSE / "compose.yaml").read_text()))
    assert asked == {name for name in environment if name.endswith("_PASSWORD")}


def test_pools_of_the_pooler_fit_into_the_server() -> None:
    sizes = re.findall(r"^\w+_pool_size = (\d+)$", (COMPOSE / "pgbouncer.ini").read_text(), re.M)
    (most,) = set(
        re.findall(
            r"max_connections=(\d+)",
            (COMPOSE / "compose.yaml").read_text() + (COMPOSE / "replica.sh").read_text(),
        )
    )
    assert len(DATABASES) * sum(map(int, sizes)) < int(most)
