"""Reads instrument files as a load does before it writes, and tells what memory that took."""

import json
import resource
import sys
from pathlib import Path

from openalgo_store.errors import InvalidInput
from openalgo_store.instruments import read_instruments
from openalgo_store.repositories.symbols.incoming_master import IncomingMaster

MOST = 2**30
"""Of address space: what takes more fails here instead of taking the machine with it."""


def main(broker: str, *paths: str) -> None:
    """Print for each file how many rows it had, or why it was refused, and the peak in MiB."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST, MOST))
    for path in paths:
        master = IncomingMaster()
        try:
            master.read(read_instruments(broker, path))
            ended = f"{master.total} rows, {master.rejected} rejected"
        except InvalidInput as error:
            ended = str(error)
        except Exception as error:
            ended = f"failed: {type(error).__name__}"
        del master
        sys.stdout.write(json.dumps([path, ended, _peak()]) + "\n")


def _peak() -> float:
    """In MiB; the getrusage of a program knows that of the process which started it, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
