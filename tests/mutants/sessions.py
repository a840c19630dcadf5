"""Mistakes about sessions: their connections, their threads, their end, and what they write."""

from .mutation import Mutation

CONNECTIONS = "openalgo_store/engine/sqlite/connections.py"
STATE = "openalgo_store/engine/transaction_state.py"
LISTENERS = ("tests/engine/test_listeners.py",)

SESSIONS = (
    Mutation(
        "a connection that its caller has changed, as by defer_foreign_keys, serves the next one",
        CONNECTIONS,
        "if lease.is_shown or connection.is_closed",
        "if connection.is_closed",
        LISTENERS,
    ),
    Mutation(
        "a connection is idle inside a transaction",
        CONNECTIONS,
        " or connection.is_closed or connection.in_transaction:",
        " or connection.is_closed:",
        LISTENERS,
    ),
    Mutation(
        "a connection whose rollback failed serves the next one",
        STATE,
        "                    if held.is_valid:\n                        held.invalidate()\n",
        "                    pass\n",
        ("tests/engine/test_endings.py",),
        ("postgresql",),
    ),
    Mutation(
        "a stream is read beside a verb of another thread",
        "openalgo_store/engine/transaction.py",
        "    @_by_one_thread\n    def __next__",
        "    def __next__",
        ("tests/engine/test_sessions.py",),
    ),
    Mutation(
        "last steps are taken after an error that was caught",
        STATE,
        "            self.refuse_if_unusable()\n            step()\n",
        "            step()\n",
        ("tests/engine/test_transactions.py",),
    ),
    Mutation(
        "the uses of keys are written in any order",
        "openalgo_store/repositories/accounts/api_keys.py",
        "in sorted(latest.items())]",
        "in latest.items()]",
        ("tests/contract/accounts/test_key_uses.py",),
    ),
    Mutation(
        "a key that was made while it was looked for is kept as invalid",
        "openalgo_store/repositories/accounts/api_keys.py",
        """\
    epoch = store.invalid_keys.epoch
    with store.transaction("main", readonly=True, primary=True, single=True) as tx:
        owner = tx.one(_get_owner, api_key=digest)
""",
        """\
    with store.transaction("main", readonly=True, primary=True, single=True) as tx:
        owner = tx.one(_get_owner, api_key=digest)
    epoch = store.invalid_keys.epoch
""",
        ("tests/contract/accounts/test_api_key_cache.py",),
    ),
    Mutation(
        "a caller's own statement gives dates as the server is set to write them",
        "openalgo_store/engine/postgresql.py",
        '    if not style.startswith(b"ISO"):\n',
        "    if False:\n",
        ("tests/engine/test_server_settings.py",),
        ("postgresql",),
    ),
    Mutation(
        "a session may do nothing inside its transaction for ever",
        "openalgo_store/engine/postgresql.py",
        '        "idle_in_transaction_session_timeout": _milliseconds(_LONGEST_IDLE),\n',
        "",
        ("tests/engine/test_timeouts.py",),
        ("postgresql",),
    ),
)
