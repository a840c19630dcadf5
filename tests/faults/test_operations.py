"""No public function that writes is left out."""

import inspect
import re

import openalgo_store
from tests.faults.operations import CORE, OPERATIONS

WRITES = re.compile(
    r"\bwriting\(|readonly=False|\b_load\(|purge_rows\(|_open_writer\(|BufferedWriter\("
)
"""What a function that writes says itself, or the one that does it for it."""
OF_NO_REPOSITORY = {"get_write_session"}


def test_every_public_function_that_writes_is_an_operation() -> None:
    writing = {
        name
        for name in openalgo_store.__all__
        if callable(thing := getattr(openalgo_store, name))
        and thing.__module__.startswith("openalgo_store.repositories.")
        and WRITES.search(inspect.getsource(thing))
    }
    called = {each.function for each in OPERATIONS}
    assert called - OF_NO_REPOSITORY == writing - {"record_trade"}, "its new name is there"
    names = [each.name for each in OPERATIONS]
    assert len(set(names)) == len(names)
    assert set(CORE) <= set(names)
