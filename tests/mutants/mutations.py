"""The mistakes: each was once made or feared, and is one that tests of races easily overlook."""

from .books import BOOKS
from .copies import COPIES
from .mutation import Mutation
from .processes import PROCESSES
from .replicas import REPLICAS
from .searches import SEARCHES
from .sessions import SESSIONS

ACCOUNTS = "openalgo_store/repositories/accounts"
BOTH = ("sqlite", "postgresql")

MUTATIONS = (
    *BOOKS,
    *COPIES,
    *PROCESSES,
    *REPLICAS,
    *SEARCHES,
    *SESSIONS,
    # Caches
    Mutation(
        "forgetting users' keys leaves what is being read",
        "openalgo_store/caching/keyed_values.py",
        '''\
        """Drop the values that match, and whatever is being read now."""
        with self._mutex:
            self.epoch += 1
''',
        '''\
        """Drop the values that match, and whatever is being read now."""
        with self._mutex:
''',
        ("tests/caching/test_keyed_values.py", "tests/contract/accounts/test_api_key_cache.py"),
    ),
    Mutation(
        "the warm-up takes its epoch after its read",
        f"{ACCOUNTS}/api_keys.py",
        """\
    epoch = store.api_keys.epoch
    expires_at = time.time() + _VALID_FOR
    with reading("main", primary=True) as tx:
        owners = tx.all(_get_newest_owners, row_limit=store.api_keys.size)
""",
        """\
    expires_at = time.time() + _VALID_FOR
    with reading("main", primary=True) as tx:
        owners = tx.all(_get_newest_owners, row_limit=store.api_keys.size)
    epoch = store.api_keys.epoch
""",
        ("tests/caching/test_keyed_values.py", "tests/contract/accounts/test_api_key_cache.py"),
    ),
    # The replica
    Mutation(
        "API keys are looked up on the replica",
        f"{ACCOUNTS}/api_keys.py",
        'store.transaction("main", readonly=True, primary=True, single=True)',
        'store.transaction("main", readonly=True, single=True)',
        ("tests/contract/accounts/test_stale_replica.py",),
    ),
    Mutation(
        "the warm-up reads the replica",
        f"{ACCOUNTS}/api_keys.py",
        'reading("main", primary=True)',
        'reading("main")',
        ("tests/contract/accounts/test_stale_replica.py",),
    ),
    Mutation(
        "broker tokens are looked up on the replica",
        f"{ACCOUNTS}/auth_tokens.py",
        'one_statement("main", tx, primary=True)',
        'one_statement("main", tx)',
        ("tests/contract/accounts/test_stale_replica.py",),
    ),
    Mutation(
        "broker tokens are listed from the replica",
        f"{ACCOUNTS}/auth_tokens.py",
        """\
    with reading("main", tx, primary=True) as tx:
        return [_open(each""",
        """\
    with reading("main", tx) as tx:
        return [_open(each""",
        ("tests/contract/accounts/test_stale_replica.py",),
    ),
    Mutation(
        "a login asks the replica",
        f"{ACCOUNTS}/users.py",
        'one_statement("main", tx, primary=True) as session',
        'one_statement("main", tx) as session',
        ("tests/contract/accounts/test_stale_replica.py",),
    ),
    Mutation(
        "secrets are proved against the replica",
        f"{ACCOUNTS}/sentinels.py",
        'store.transaction("main", readonly=True, primary=True)',
        'store.transaction("main", readonly=True)',
        ("tests/contract/accounts/test_stale_replica.py",),
    ),
    # Transactions
    Mutation(
        "COMMIT goes out without asking the driver whether it is failed",
        "openalgo_store/engine/transaction_state.py",
        "if not self.dialect.in_transaction(driver):",
        "if False:",
        ("tests/engine/test_transactions.py",),
        BOTH,
    ),
    Mutation(
        "a store may be closed between the look at a transaction and its COMMIT",
        "openalgo_store/engine/transaction_state.py",
        """\
        self.enter_verb()
        try:
            self._commit(self.connected())
        finally:
            self.leave_verb()
""",
        """\
        self._commit(self.connected())
""",
        ("tests/engine/test_closing.py",),
        BOTH,
    ),
    Mutation(
        "callbacks are called before connection and writer lock are given back",
        "openalgo_store/engine/transaction_state.py",
        """\
        self.release()
        while self.callbacks:
            try:
                self._call_back(self.callbacks[0])
            finally:
                del self.callbacks[0]
""",
        """\
        while self.callbacks:
            try:
                self._call_back(self.callbacks[0])
            finally:
                del self.callbacks[0]
        self.release()
""",
        ("tests/engine/test_endings.py",),
    ),
    Mutation(
        "what is in memory stays where nobody knows whether it was changed",
        "openalgo_store/engine/transaction_state.py",
        "{_COMMITTED: committed, _UNKNOWN: unknown}",
        "{_COMMITTED: committed}",
        ("tests/contract/accounts/test_lost_answers.py",),
        ("postgresql",),
    ),
    Mutation(
        "errors show the values of a statement",
        "openalgo_store/engine/dialect.py",
        "create_engine(url, hide_parameters=True,",
        "create_engine(url, hide_parameters=False,",
        ("tests/engine/test_hidden_parameters.py",),
        BOTH,
    ),
    # Forks
    Mutation(
        "what another process has changed is kept by who was reading it",
        "openalgo_store/caching/keyed_values.py",
        """\
        with self._mutex:
            self.epoch += 1
            self._entries.clear()
""",
        """\
        with self._mutex:
            self._entries.clear()
""",
        ("tests/caching/test_keyed_values.py",),
    ),
    Mutation(
        "a forked child keeps its parent's caches",
        "openalgo_store/store.py",
        """\
            dialect.after_fork_in_child()
        self._make_caches()
""",
        """\
            dialect.after_fork_in_child()
""",
        ("tests/caching/test_forks.py",),
    ),
    Mutation(
        "the idle connection stays open at a fork",
        "openalgo_store/engine/sqlite/dialect.py",
        """\
        self._connections.close_idle()

    def after_fork_in_child""",
        """\

    def after_fork_in_child""",
        ("tests/engine/test_fork_hooks.py",),
    ),
    Mutation(
        "a file that was in use at a fork is used in the child",
        "openalgo_store/engine/sqlite/connections.py",
        "was_in_use = self.file in GATE.open_at_fork or bool(self._idle)",
        "was_in_use = bool(self._idle)",
        ("tests/engine/test_forks.py",),
    ),
    Mutation(
        "a store that is made while a fork waits is not told in the child",
        "openalgo_store/engine/forks.py",
        "_call(hooks.after_fork_in_child for hooks in _registered.all())",
        "_call(hooks.after_fork_in_child for hooks in _prepared.pop(get_ident(), ()))",
        ("tests/engine/test_fork_hooks.py",),
    ),
    Mutation(
        "a fork does not wait for a connection that another fork is closing",
        "openalgo_store/engine/sqlite/connections.py",
        "        wait_until(lambda: all(each.is_gone for each in _OPEN.all() if each.is_closed))\n",
        "",
        ("tests/engine/test_fork_gate.py",),
    ),
    # Signals
    Mutation(
        "the cursor of a statement whose rows nobody reads stays open",
        "openalgo_store/engine/executor.py",
        """\
        return compiled.records(cursor, cursor.fetchmany(2))
    finally:
        cursor.close()
""",
        """\
        return compiled.records(cursor, cursor.fetchmany(2))
    finally:
        pass
""",
        ("tests/engine/test_interrupts.py",),
    ),
    Mutation(
        "a session that is torn out of its block is left alone",
        "openalgo_store/engine/session.py",
        "        if state is not None and not state.is_given_back and not sys.is_finalizing():\n",
        "        if False:\n",
        ("tests/engine/test_interrupts.py", "tests/engine/test_sessions.py"),
    ),
    Mutation(
        "a writer lock whose holder is lost is not taken back",
        "openalgo_store/engine/sqlite/locks.py",
        "if self._holder is not None and self._holder.is_lost():",
        "if False:",
        ("tests/engine/test_locks.py",),
    ),
    Mutation(
        "a writer that waits is overtaken for ever",
        "openalgo_store/engine/sqlite/locks.py",
        "if monotonic() - first.since >= _PATIENCE * len(self._waiting):",
        "if False:",
        ("tests/engine/test_locks.py",),
    ),
    # Masters in memory
    Mutation(
        "a change is applied to whatever master is in memory",
        "openalgo_store/caching/symbol_snapshots.py",
        "if held is None or held.version != change.before:",
        "if held is None:",
        ("tests/caching/test_master_changes.py", "tests/contract/symbols/test_loads_in_memory.py"),
    ),
    Mutation(
        "a change drops what a reader has loaded since its commit",
        "openalgo_store/caching/symbol_snapshots.py",
        "if found is not None and found.version < version:",
        "if found is not None:",
        ("tests/contract/symbols/test_loads_in_memory.py",),
    ),
    Mutation(
        "a change is swapped in over another one",
        "openalgo_store/caching/symbol_snapshots.py",
        "is_next = later.size > 0 and self._held(broker) is held",
        "is_next = later.size > 0",
        ("tests/caching/test_master_changes.py",),
    ),
    Mutation(
        "what is read while a change is applied is kept",
        "openalgo_store/caching/symbol_snapshots.py",
        """\
                self._advance(broker)
                self._last[broker] = later
""",
        """\
                self._last[broker] = later
""",
        ("tests/caching/test_master_changes.py",),
    ),
    Mutation(
        "of two loads in one transaction the first is shown alone",
        "openalgo_store/repositories/symbols/symbol_loads.py",
        "if change is None or loads[broker] > 1:",
        "if change is None:",
        ("tests/contract/symbols/test_loads_in_memory.py",),
    ),
    Mutation(
        "the second of two symbols with one token is forgotten with the first",
        "openalgo_store/caching/snapshots.py",
        "if free and len(found) < len(rows):",
        "if False:",
        ("tests/caching/test_master_changes.py",),
    ),
    # Writers beside each other
    Mutation(
        "two loads of one broker do not wait for each other",
        "openalgo_store/repositories/symbols/symbol_loads.py",
        '    tx.lock(f"symbols of {broker}")\n',
        "",
        ("tests/contract/symbols",),
        ("postgresql",),
    ),
    Mutation(
        "the rows of a report come in the order in which it tells them",
        "openalgo_store/repositories/trading/broker_reports.py",
        "for place in sorted(rows)]",
        "for place in rows]",
        ("tests/contract/trading/test_reports_at_once.py",),
        ("postgresql",),
    ),
    Mutation(
        "a report of positions locks them in no order",
        "sql/trading/positions.sql",
        """\
ORDER BY p.user_id, p.broker, p.symbol, p.exchange, p.product
FOR NO KEY UPDATE OF p;
""",
        ";\n",
        ("tests/contract/trading/test_reports_at_once.py",),
        ("postgresql",),
    ),
    Mutation(
        "a report of holdings locks them in no order",
        "sql/trading/holdings.sql",
        """\
    ORDER BY h.user_id, h.broker, h.symbol, h.exchange
    FOR NO KEY UPDATE OF h
""",
        "",
        ("tests/contract/trading/test_reports_at_once.py",),
        ("postgresql",),
    ),
    Mutation(
        "an earlier use of a key is written over a later one",
        "sql/accounts/api_keys.sql",
        "WHERE id = :id AND (last_used IS NULL OR last_used < :last_used);",
        "WHERE id = :id;",
        ("tests/contract/accounts/test_key_uses.py",),
    ),
    Mutation(
        "each use of a cached key is noted, however soon after the last",
        f"{ACCOUNTS}/api_keys.py",
        "found.noted_from = now + _USES_APART",
        "found.noted_from = now",
        ("tests/contract/accounts/test_key_uses.py",),
    ),
    Mutation(
        "of the uses in a batch the one that came last counts as the latest",
        f"{ACCOUNTS}/api_keys.py",
        "max(moment, latest.get(key_id, moment))",
        "moment",
        ("tests/contract/accounts/test_key_uses.py",),
    ),
    Mutation(
        "a message that was delivered beside this claim is claimed again",
        "sql/messaging/telegram.sql",
        """\
  AND NOT m.delivered AND m.parked_at IS NULL
  AND (m.held_until IS NULL OR m.held_until <= :now)
""",
        """\
  AND (m.held_until IS NULL OR m.held_until <= :now)
""",
        ("tests/contract/messaging/test_telegram_side_by_side.py",),
        ("postgresql",),
    ),
    # What breaks
    Mutation(
        "a COMMIT that failed is taken for one that was done",
        "openalgo_store/engine/transaction_state.py",
        "_UNKNOWN if is_unknown else ROLLED_BACK\n            raise\n",
        "_UNKNOWN if is_unknown else ROLLED_BACK\n            return\n",
        ("tests/faults/test_files.py",),
    ),
    Mutation(
        "a fill goes into the order in a transaction of its own",
        "openalgo_store/repositories/trading/fills.py",
        "        filled = set_fills(",
        "    with writing(book.database) as tx:\n        filled = set_fills(",
        ("tests/faults/test_kills.py",),
    ),
    Mutation(
        "a load whose COMMIT lost its answer is recorded as refused",
        "openalgo_store/repositories/symbols/symbol_loads.py",
        "if tx is None and not may_be_stored:",
        "if tx is None:",
        ("tests/contract/symbols/test_symbol_disasters.py",),
        ("postgresql",),
    ),
    Mutation(
        "the error of a damaged text shows it",
        "openalgo_store/engine/sqlite/errors.py",
        "        error.args = (_NOT_TEXT,)  # the rest is the text, which may be secret\n",
        "",
        ("tests/engine/test_damaged_values.py",),
    ),
    Mutation(
        "a damaged schema that the driver cannot tell is its own affair",
        "openalgo_store/engine/sqlite/connections.py",
        "except UnicodeDecodeError:",
        "except ZeroDivisionError:",
        ("tests/engine/test_damaged_values.py",),
    ),
)
