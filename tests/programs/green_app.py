"""What gunicorn serves: `gunicorn tests.programs.green_app:app`, the databases in GREEN_APP_URLS.

A real thread calls the store beside whatever serves the requests.
"""

import json
import logging
import os
from collections.abc import Callable, Iterable
from typing import Any

from openalgo_store import (
    DatabaseLogHandler,
    authenticate_user,
    create_order,
    create_user,
    flush_on_sigterm,
    get_positions,
    get_symbol_token,
    get_user,
    hash_password,
    init_databases,
    measure_latency,
    record_fill,
    replace_symbols,
)
from openalgo_store.threads import sleep
from tests.programs.green import start_real_thread
from tests.support.rows import MONDAY, order_row, shares
from tests.support.settings import settings_of

init_databases(settings_of(json.loads(os.environ["GREEN_APP_URLS"])))
flush_on_sigterm()
log = logging.getLogger("green_app")
log.addHandler(DatabaseLogHandler())
log.setLevel(logging.INFO)


def be_real() -> None:
    """Call the store now and then, as a price feed does.

    It sleeps as a real thread: by the patched sleep it would run a hub of its own, and gevent
    crashes where the interpreter ends beside one.
    """
    while True:
        get_user(1)
        get_positions(1)
        sleep(0.01)


def fill(number: int) -> None:
    """One share bought, of an order of its own."""
    with measure_latency(f"A{number}", "zerodha", "place_order"):
        create_order(**order_row(1, f"A{number}", quantity=1))
        record_fill(f"A{number}", f"T{number}", 1, 100.0, MONDAY)
    log.info("filled %d", number)


def prepare() -> None:
    """One user, one master; the real thread begins."""
    create_user("asha", "asha@example.org", hash_password("a long password"))
    replace_symbols(shares(2000), "zerodha")
    start_real_thread(be_real)


def app(environ: dict[str, Any], respond: Callable[..., object]) -> Iterable[bytes]:
    """`/prepare` once, then `/<number>`."""
    name = environ["PATH_INFO"].strip("/")
    if name == "prepare":
        prepare()
    elif name == "login":
        assert authenticate_user("asha", "a long password") is not None
    else:
        fill(int(name))
        assert get_symbol_token("SHARE1", "NSE", "zerodha") == "T1"
    respond("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]
