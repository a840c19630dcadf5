"""The tables of the five databases, one MetaData each; the migrations make them."""

from sqlalchemy import MetaData

from . import latency, logs, main, sandbox, telegram

METADATA: dict[str, MetaData] = {
    "main": main.metadata,
    "sandbox": sandbox.metadata,
    "latency": latency.metadata,
    "logs": logs.metadata,
    "telegram": telegram.metadata,
}
"""By the name of the database, in the order of config.DATABASES."""
