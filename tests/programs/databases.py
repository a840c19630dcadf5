"""What tests run as processes; each program prints what it saw as JSON."""

import json
import os
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text, update

from openalgo_store import (
    ConfigurationError,
    Instrument,
    SessionMisuse,
    Settings,
    Store,
    StoreError,
    Unavailable,
    close_databases,
    get_read_session,
    get_symbol_token,
    get_write_session,
    init_databases,
    replace_symbols,
    use_store,
)
from openalgo_store.engine.queries import Query
from openalgo_store.tables.accounts import users
from tests.support.forked import Program
from tests.support.processes import Process
from tests.support.rows import ALL_NAMES, add_user, master, shares
from tests.support.settings import settings_of
from tests.support.settings import urls_of as urls_of  # tests.programs.trading takes it from here

MASTER_SIZE = 1000


def start(name: str, settings: Settings, *arguments: str) -> Program:
    """Start a program."""
    return Program(main, name, urls_of(settings), *arguments)


def result_of(process: Process, timeout: float = 100) -> Any:
    """What it printed last; its errors are this test's."""
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1])


def in_children(count: int, work: Callable[[int], None]) -> list[int]:
    """Fork children that work and end; their exit codes."""
    children = []
    for number in range(count):
        child = os.fork()
        if child == 0:
            try:
                work(number)
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        children.append(child)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def fork_and_write(settings: Settings) -> None:
    """Four children and the parent write at once after the parent has used its store."""
    with Store(settings) as store:
        use_store(store)

        def write(who: str) -> None:
            for number in range(25):
                with get_write_session() as tx:
                    add_user(tx, f"{who}-{number}")
                with get_read_session() as tx:
                    tx.all(ALL_NAMES)

        write("before")
        replace_symbols(shares(10), "zerodha")
        get_symbol_token("SHARE1", "NSE", "zerodha")
        with Store(settings):  # one that nobody uses must do no harm
            parent = threading.Thread(target=write, args=("parent",))
            parent.start()

            def child(number: int) -> None:
                write(f"child{number}")
                assert get_symbol_token("SHARE1", "NSE", "zerodha") == "T1"

            codes = in_children(4, child)
            parent.join()
        write("after")
        with get_read_session() as tx:
            print(json.dumps({"codes": codes, "users": len(tx.all(ALL_NAMES))}))


def fork_from_three_threads(settings: Settings, rounds: str) -> None:
    """Three threads fork children that write, while two others write: every commit counts."""
    with Store(settings) as store:
        use_store(store)
        committed: list[str] = []
        forking = threading.Event()

        def write(who: str) -> None:
            number = 0
            while not forking.is_set():
                with get_write_session() as tx:
                    add_user(tx, f"{who}-{number}")
                committed.append(f"{who}-{number}")
                number += 1

        def fork(who: str) -> None:
            for number in range(int(rounds)):
                name = f"{who}-{number}"

                def child(_: int, name: str = name) -> None:
                    with get_write_session() as tx:
                        add_user(tx, name)

                if in_children(1, child) == [0]:
                    committed.append(name)

        writers = [threading.Thread(target=write, args=(f"writer{n}",)) for n in range(2)]
        forkers = [threading.Thread(target=fork, args=(f"forker{n}",)) for n in range(3)]
        for thread in (*writers, *forkers):
            thread.start()
        for thread in forkers:
            thread.join()
        forking.set()
        for thread in writers:
            thread.join()
        with get_read_session() as tx:
            stored = set(tx.all(ALL_NAMES))
        lost = sorted(set(committed) - stored)
        forked = sum(name.startswith("forker") for name in committed)
        print(json.dumps({"lost": lost, "forked": forked}))


def fork_shares_no_connection(settings: Settings) -> None:
    """The server's process behind each connection: another one in every process."""
    backend = Query.of(select(func.pg_backend_pid()), int)
    with Store(settings) as store:
        use_store(store)
        with get_read_session() as tx:
            mine = tx.value(backend)
        reader, writer = os.pipe()

        def child(number: int) -> None:
            with get_read_session() as tx:
                pid = tx.value(backend)
            os.write(writer, f"{pid}\n".encode())

        in_children(4, child)
        with get_read_session() as tx:
            assert tx.value(backend) == mine  # the children did not close the parent's
        seen = os.read(reader, 1000).decode().split()
        print(json.dumps({"parent": mine, "children": list(map(int, seen))}))


def fork_inside_a_session(settings: Settings) -> None:
    """What the child hears, and what the parent keeps, when a session is open at the fork."""
    seen: dict[str, str] = {}
    reader, writer = os.pipe()
    with Store(settings) as store:
        use_store(store)
        with get_write_session() as tx:
            add_user(tx, "asha")

            def child(number: int) -> None:
                heard = {}
                try:
                    tx.all(ALL_NAMES)
                except SessionMisuse as error:
                    heard["inherited"] = str(error)
                try:
                    with get_write_session() as new:
                        add_user(new, "child")
                    heard["new"] = "works"
                except SessionMisuse as error:
                    heard["new"] = str(error)
                os.write(writer, json.dumps(heard).encode())

            codes = in_children(1, child)
            add_user(tx, "binod")
        seen = json.loads(os.read(reader, 10_000))
        with get_read_session() as tx:
            print(json.dumps(seen | {"codes": codes, "users": tx.all(ALL_NAMES)}))


def close_in_a_child_inside_a_session(settings: Settings) -> None:
    """What the parent keeps of a session during which a child closes the store, in each way."""
    with Store(settings) as store:
        use_store(store)
        with get_write_session() as tx:
            add_user(tx, "asha")
            codes = in_children(1, lambda _: close_databases())
            add_user(tx, "binod")
        with get_write_session() as tx:
            add_user(tx, "chitra")
            codes += in_children(1, lambda _: store.close())
        with get_read_session() as tx:
            print(json.dumps({"codes": codes, "users": tx.all(ALL_NAMES)}))


def drop_a_stream_in_a_child(settings: Settings) -> None:
    """How much of a stream the parent reads while a child gives up its copy."""
    numbers = text(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) "
        "SELECT i FROM n"
    )
    with Store(settings) as store, store.transaction("main", readonly=True) as tx:
        streams = [tx.stream(Query.of(numbers, int))]
        first = next(streams[0])
        codes = in_children(1, lambda _: streams.clear())
        print(json.dumps({"codes": codes, "read": [first, *streams[0]] == [*range(1, 2501)]}))


def fork_waits_for_other_threads(settings: Settings) -> None:
    """A fork while another thread writes: it waits, and the child works."""
    with Store(settings) as store:
        use_store(store)
        inside, forking = threading.Event(), threading.Event()
        os.register_at_fork(before=forking.set)  # runs first: the newest comes first

        def write() -> None:
            with get_write_session() as tx:
                add_user(tx, "thread")
                inside.set()
                forking.wait(30)

        thread = threading.Thread(target=write)
        thread.start()
        inside.wait(30)

        def child(number: int) -> None:
            with get_write_session() as tx:
                add_user(tx, "child")

        codes = in_children(1, child)
        thread.join()
        with get_read_session() as tx:
            print(json.dumps({"codes": codes, "users": sorted(tx.all(ALL_NAMES))}))


def replace_for_ever(settings: Settings) -> None:
    """Load two masters in turn until the process is killed."""
    with Store(settings) as store:
        use_store(store)
        print("ready", flush=True)
        while True:
            for token in "AB":
                replace_symbols(shares(MASTER_SIZE, token=token), "zerodha")


def replace_once(settings: Settings, broker: str, token: str) -> None:
    """Load one master, and tell when it has been read and nothing is stored yet."""

    def source() -> Iterator[Instrument]:
        yield from shares(MASTER_SIZE, token=token)
        print("read", flush=True)

    with Store(settings) as store:
        use_store(store)
        load = replace_symbols(source(), broker)
        print(json.dumps({"inserted": load.inserted, "updated": load.updated}))


def count_logins(settings: Settings, times: str) -> None:
    """Read a counter and write it plus one, so many times, once it is told to go."""
    with Store(settings) as store:
        use_store(store)
        sys.stdin.readline()
        for _ in range(int(times)):
            with get_write_session() as tx:
                row = select(users.c.email).where(users.c.username == "counter")
                seen = int(tx.value(Query.of(row.with_for_update(), str)) or 0)
                tx.run(Query.of(update(users).values(email=str(seen + 1))))
    print(json.dumps("done"))


def load_on_a_full_disk(settings: Settings) -> None:
    """A load while files may not grow further, and one when they may again."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    heard = {}
    with Store(settings) as store:
        use_store(store)
        replace_symbols(shares(10_000, token="A"), "zerodha")
        size = Path(store.databases["main"].identity).stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 200_000, resource.RLIM_INFINITY))
        try:
            replace_symbols(shares(20_000, token="B"), "zerodha")
        except Unavailable as error:
            heard["error"] = str(error)
        tokens = sorted({each.token[0] for each in master().values()})
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        load = replace_symbols(shares(20_000, token="C"), "zerodha")
        print(json.dumps(heard | {"tokens": tokens, "afterwards": load.inserted + load.updated}))


def initialise(settings: Settings) -> None:
    """Bring the five databases up."""
    print("ready", flush=True)
    init_databases(settings)
    print(json.dumps("done"))


def initialise_without_rights(settings: Settings) -> None:
    """What a user who may not write the folders, or the files, hears at once."""
    drop_rights()
    try:
        init_databases(settings)
    except ConfigurationError as error:
        print(json.dumps(str(error)))


def write_without_rights(settings: Settings) -> None:
    """What such a user hears of a store that is open, and whether reads go on."""
    with Store(settings) as store, use_store(store):
        drop_rights()
        said = []
        for session in (get_write_session, get_read_session):
            try:
                with session() as tx:
                    add_user(tx, "binod")
            except StoreError as error:
                said.append(f"{type(error).__name__}: {error}")
        print(json.dumps(said))


def drop_rights() -> None:
    """Be nobody, where this is root, who may write everywhere."""
    if os.geteuid() == 0:
        os.setuid(65534)


def main(name: str, urls: str, *arguments: str) -> None:
    """Run one program."""
    signal.alarm(100)  # never outlive the test
    programs = {
        each.__name__: each
        for each in (
            fork_and_write, fork_from_three_threads, fork_shares_no_connection,
            fork_inside_a_session, close_in_a_child_inside_a_session, drop_a_stream_in_a_child,
            fork_waits_for_other_threads, replace_for_ever, replace_once, count_logins,
            load_on_a_full_disk, initialise,
            initialise_without_rights, write_without_rights,
        )
    }  # fmt: skip
    program: Callable[..., None] = programs[name]
    program(settings_of(json.loads(urls)), *arguments)
