"""Mistakes about searches: what they find, in which order, and of which master."""

from .mutation import Mutation

INDEX = "openalgo_store/caching/search_index.py"
RUNS = "openalgo_store/caching/search_runs.py"
CACHE = "openalgo_store/caching/searches.py"
FOUND = ("tests/contract/symbols/test_searching.py",)
BUILT = ("tests/contract/symbols/test_search_indexes.py", "tests/caching/test_shared_loads.py")

SEARCHES = (
    Mutation(
        "search: a broker symbol is found by its first letters alone",
        RUNS,
        "for run in runs:\n                if run not in symbol:",
        "for run in runs:\n                if run[:2] not in symbol:",
        FOUND,
    ),
    Mutation(
        "search: a row is listed twice under a run that its symbol has twice",
        RUNS,
        "for run in dict.fromkeys(others):",
        "for run in others:",
        FOUND,
    ),
    Mutation(
        "search: a symbol is cut within a run",
        RUNS,
        "text.rstrip(ascii_lowercase).rstrip(digits) or text",
        "text.rstrip(ascii_lowercase).rstrip(digits)[:-1] or text",
        FOUND,
    ),
    Mutation(
        "search: a broker symbol whose last letters are the symbol's has no other end",
        RUNS,
        "if last not in symbol:",
        "if last[-2:] not in symbol:",
        FOUND,
    ),
    Mutation(
        "search: what expires today is hidden",
        INDEX,
        "bisect_left(self._expiries, since))",
        "bisect_right(self._expiries, since))",
        FOUND,
    ),
    Mutation(
        "search: equal symbols stand in the order in which they were stored",
        INDEX,
        "        part.sort(key=itemgetter(EXCHANGE))\n",
        "",
        FOUND,
    ),
    Mutation(
        "search: a symbol is ranked by the word that fits worst",
        "openalgo_store/caching/search_ranks.py",
        "if fits < best:",
        "if fits > best:",
        FOUND,
    ),
    Mutation(
        "search: the index of an old master follows that of a new one",
        CACHE,
        "if self._indexes.get(broker) is before:",
        "if True:",
        BUILT,
    ),
    Mutation(
        "search: after a load the next search waits for the new index",
        CACHE,
        "self._tasks.start(name, lambda: self._build_once(broker, master))",
        "index = self._build_once(broker, master)",
        BUILT,
    ),
    Mutation(
        "search: each thread builds an index of its own",
        CACHE,
        "return self._builds.share((broker, id(master)), lambda: self._build(broker, master))",
        "return self._build(broker, master)",
        BUILT,
    ),
)
