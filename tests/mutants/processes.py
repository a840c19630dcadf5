"""Mistakes about other processes, green threads, and what is told of a process's health."""

from .mutation import Mutation

PROCESSES = (
    # Other processes
    Mutation(
        "what others keep is counted in the middle of the transaction",
        "openalgo_store/repositories/announcing.py",
        "tx.before_commit(topic, partial(_count, tx, topic, current_store(), confirm))",
        "_count(tx, topic, current_store(), confirm)",
        ("tests/contract/accounts/test_other_processes.py",),
    ),
    Mutation(
        "two transactions count what others keep in any order",
        "openalgo_store/engine/transaction_state.py",
        "sorted(self.last_steps.items())",
        "list(self.last_steps.items())",
        ("tests/contract/accounts/test_other_processes.py",),
    ),
    Mutation(
        "a look counts from its end",
        "openalgo_store/caching/epochs.py",
        "began + self.lease",
        "monotonic() + self.lease",
        ("tests/caching/test_epochs.py",),
    ),
    Mutation(
        "a topic is taken as seen before it is dropped",
        "openalgo_store/caching/epochs.py",
        "        self._take(found, before)\n",
        "        self.until = self.serving_until = began + self.lease\n"
        "        self._take(found, before)\n",
        ("tests/caching/test_epochs.py",),
    ),
    Mutation(
        "its own change hides that of another process",
        "openalgo_store/caching/epochs.py",
        "            if self._seen.get(topic, 0) == epoch - 1:\n                self._seen",
        "            if True:\n                self._seen",
        ("tests/caching/test_epochs.py",),
    ),
    Mutation(
        "a token is told without a look",
        "openalgo_store/repositories/accounts/auth_tokens.py",
        "    store.epochs.renew()\n",
        "",
        ("tests/contract/accounts/test_other_processes.py",),
    ),
    Mutation(
        "its own load that a look has seen is confirmed beside another process's",
        "openalgo_store/caching/epochs.py",
        "if confirm and self._moves.get(topic) == (epoch - 1, epoch):",
        "if confirm:",
        ("tests/contract/symbols/test_other_processes.py",),
    ),
    Mutation(
        "a look leaves its own load to who commits it, though another process's came",
        "openalgo_store/caching/epochs.py",
        "own.epoch == epoch == self._seen.get(topic, 0) + 1",
        "True",
        ("tests/contract/symbols/test_other_processes.py",),
    ),
    Mutation(
        "a look leaves its own load to who commits it for ever",
        "openalgo_store/caching/epochs.py",
        "            and monotonic() < own.until\n",
        "",
        ("tests/caching/test_epochs.py",),
    ),
    Mutation(
        "a look that began before its own load takes it back",
        "openalgo_store/caching/epochs.py",
        "if epoch not in (seen.get(each, 0), before.get(each, 0))",
        "if epoch != seen.get(each, 0)",
        ("tests/caching/test_epochs.py",),
    ),
    Mutation(
        "its own load that a look has seen has to be read again",
        "openalgo_store/caching/symbol_snapshots.py",
        "                del self._outdated[broker]\n                self._fresh[broker] = last\n",
        "                pass\n",
        ("tests/contract/symbols/test_other_processes.py",),
    ),
    Mutation(
        "a reload is done though the master has changed meanwhile",
        "openalgo_store/caching/symbol_snapshots.py",
        "if broker in self._outdated and self._changes.get(broker, 0) == change:",
        "if broker in self._outdated:",
        ("tests/contract/symbols/test_other_processes.py",),
    ),
    Mutation(
        "what another process has changed is told from memory until it is reloaded",
        "openalgo_store/caching/symbol_snapshots.py",
        "            self.misses += 1\n            return _NOTHING\n",
        "            return self._last[broker]\n",
        ("tests/contract/symbols/test_outdated_masters.py",),
    ),
    # Green threads
    Mutation(
        "SIGTERM holds up the green threads that hold up the writers",
        "openalgo_store/background/shutdown.py",
        "handler = _HandlerBeside if IS_GREEN else _FlushingHandler",
        "handler = _FlushingHandler",
        ("tests/threads/test_green_threads.py",),
    ),
    Mutation(
        "a patch after the import goes unnoticed",
        "openalgo_store/threads/libraries.py",
        "if found is not None and LIBRARY is None:",
        "if False:",
        ("tests/threads/test_green_threads.py",),
    ),
    # Health
    Mutation(
        "a fork does not wait for who looks how a file is",
        "openalgo_store/operations/health.py",
        "with dialect.own_connection(), migrate.looking(url, database) as driver:",
        "with migrate.looking(url, database) as driver:",
        ("tests/operations/test_health.py",),
    ),
    Mutation(
        "a database that hangs is asked by one thread more each time",
        "openalgo_store/engine/questions.py",
        "question = self._under_way.setdefault(name, mine)",
        "question = self._under_way[name] = mine",
        ("tests/engine/test_questions.py",),
    ),
    Mutation(
        "a process that could not look at the epochs stays ill until somebody else asks",
        "openalgo_store/operations/health.py",
        "        with suppress(StoreError):\n            store.epochs.renew()\n",
        "        pass\n",
        ("tests/operations/test_health.py",),
    ),
    Mutation(
        "what a server says of a connection it refuses counts as no answer",
        "openalgo_store/engine/postgresql.py",
        ' or "FATAL:" in str(error)',
        "",
        ("tests/operations/test_health.py",),
        ("postgresql",),
    ),
    Mutation(
        "a look at the health of a pool that is exhausted waits for a connection",
        "openalgo_store/operations/health.py",
        '    if not _is_exhausted(store.databases["main"].pool_use()):\n',
        "    if True:\n",
        ("tests/operations/test_health.py",),
        ("postgresql",),
    ),
)
