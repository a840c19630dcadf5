"""Processes that migrate: one that waits for `go`, and the command of yoyo."""

import json
import os
import runpy
import sys

import openalgo_store.schema.yoyo_backends  # noqa: F401
from openalgo_store.schema.migrate import run_migrations


def migrate_when_told(urls: str) -> None:
    """Bring the databases of these URLs up, by name, as soon as a line comes in."""
    print("ready", flush=True)
    sys.stdin.readline()
    for name, url in json.loads(urls).items():
        run_migrations(url, name)
    print("done", flush=True)


def run_yoyo(folder: str, *arguments: str) -> None:
    """As `python -m yoyo` does in this folder."""
    os.chdir(folder)
    sys.argv = ["yoyo", *arguments]
    runpy.run_module("yoyo", run_name="__main__")
