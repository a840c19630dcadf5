"""Mistakes about the replica: what it may serve, and when it is left out."""

from .mutation import Mutation

REPLICA = "openalgo_store/engine/replica.py"
STATE = "openalgo_store/engine/replica_state.py"
STANDBY = ("tests/engine/test_standby.py",)
TROUBLES = ("tests/engine/test_standby_troubles.py",)
COPIES = ("tests/engine/test_replica.py",)
STALE = ("tests/operations/test_stale_replica.py",)
PG = ("postgresql",)

REPLICAS = (
    Mutation(
        "replica: a write is not noted where nobody knows whether it was committed",
        "openalgo_store/store.py",
        "(replica.note_write, replica.note_write)",
        "(replica.note_write, None)",
        STANDBY,
        PG,
    ),
    Mutation(
        "replica: the uses of keys keep reads on the primary",
        "openalgo_store/repositories/accounts/api_keys.py",
        'store.transaction("main", readonly=False, primary=True)',
        'store.transaction("main", readonly=False)',
        STANDBY,
        PG,
    ),
    Mutation(
        "replica: a session begins there though its process has written since",
        STATE,
        "if self._replica.serves():",
        "if True:",
        STANDBY,
        PG,
    ),
    Mutation(
        "replica: a session whose connection cannot be had fails",
        STATE,
        "            except Unavailable:\n                self._replica.doubt()\n",
        "            except ZeroDivisionError:\n                self._replica.doubt()\n",
        COPIES,
        PG,
    ),
    Mutation(
        "replica: a session that has read something changes over",
        STATE,
        "may_change_over = self.on_replica and self.driver is None",
        "may_change_over = self.on_replica",
        TROUBLES,
        PG,
    ),
    Mutation(
        "replica: a statement that has lost its connection fails",
        STATE,
        "if not (may_change_over and self.on_replica and self.is_connection_lost()):",
        "if True:",
        TROUBLES,
        PG,
    ),
    Mutation(
        "replica: a sample vouches for a write that came after it",
        REPLICA,
        "kept.append(_Sample(now, write, primary.position))\n            self._sampled = write",
        "kept.append(_Sample(now, self._write, primary.position))\n"
        "            self._sampled = self._write",
        STANDBY,
        PG,
    ),
    Mutation(
        "replica: a write that is known to be missing is forgotten after a time",
        REPLICA,
        "if write is self._sampled or (self._tells and not self._is_primary_silent):",
        "if self._tells and not self._is_primary_silent:",
        TROUBLES,
        PG,
    ),
    Mutation(
        "replica: a write is waited for by time where the standby tells",
        REPLICA,
        "if write is self._sampled or (self._tells and not self._is_primary_silent):",
        "if write is self._sampled:",
        STANDBY,
        PG,
    ),
    Mutation(
        "replica: the header of the next page of the log is waited for",
        "openalgo_store/engine/postgresql.py",
        "position - CASE WHEN position % page <= 40 THEN position % page ELSE 0 END",
        "position",
        STANDBY,
        PG,
    ),
    Mutation(
        "replica: every thread asks it",
        REPLICA,
        "        if question is not mine:",
        "        if False:",
        STANDBY,
        PG,
    ),
    Mutation(
        "replica: nobody looks any more after a look that was interrupted",
        REPLICA,
        "        finally:\n            self._questions.pop(ask, None)\n",
        "        finally:\n            pass\n",
        TROUBLES,
        PG,
    ),
    Mutation(
        "replica: a child waits for a look of its parent",
        REPLICA,
        "        self._questions = {}\n        self._fit_until",
        "        self._fit_until",
        COPIES,
    ),
    Mutation(
        "replica: a promoted standby goes on serving",
        REPLICA,
        "if self._tells and not found.is_standby:",
        "if False:",
        TROUBLES,
        PG,
    ),
    Mutation(
        "replica: a standby that was not watched is believed to be up to date",
        REPLICA,
        "return self._is_behind or unproven",
        "return self._is_behind",
        TROUBLES,
        PG,
    ),
    Mutation(
        "replica: what a crash of the primary has lost is waited for",
        REPLICA,
        "while kept and kept[-1].position > primary.position:",
        "while False:",
        TROUBLES,
        PG,
    ),
    Mutation(
        "replica: one that is behind serves again when its primary is gone",
        REPLICA,
        "if not kept:\n            self._is_behind = False",
        "if not kept or self._is_primary_silent:\n            self._is_behind = False",
        TROUBLES,
        PG,
    ),
    Mutation(
        "replica: each look at one that is away is a warning",
        REPLICA,
        "        if self.problem is None:\n            _log.warning(",
        "        if True:\n            _log.warning(",
        TROUBLES,
        PG,
    ),
    Mutation(
        "replica: the brokers whose masters are warmed are told by it",
        "openalgo_store/repositories/symbols/symbols.py",
        'with reading("main", primary=True) as tx:\n        brokers',
        'with reading("main") as tx:\n        brokers',
        ("tests/contract/symbols/test_stale_replica.py",),
    ),
    Mutation(
        "replica: its books are checked",
        "openalgo_store/operations/checking.py",
        "reading(book.database, primary=True)",
        "reading(book.database)",
        STALE,
    ),
    Mutation(
        "replica: its rows are counted",
        "openalgo_store/operations/status.py",
        "(database.name, readonly=True, primary=True)",
        "(database.name, readonly=True)",
        STALE,
    ),
    Mutation(
        "replica: its symbol loads are told",
        "openalgo_store/operations/status.py",
        '("main", readonly=True, primary=True)',
        '("main", readonly=True)',
        STALE,
    ),
    Mutation(
        "replica: a file that is not there is made",
        "openalgo_store/engine/sqlite/dialect.py",
        "if not Path(self.identity).exists():",
        "if False:",
        COPIES,
    ),
)
