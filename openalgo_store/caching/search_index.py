"""An index of a master for searching: all rows in the order of answers, found by parts of texts."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from heapq import merge
from itertools import islice
from operator import itemgetter

from cachetools import FIFOCache

from ..records import Row
from ..threads import Lock, sleep
from ..values.memo import Memo
from .search_ranks import NAME, NONE, OTHER, STRIKE, SUBSTRING, Search, number_in, ranking
from .search_runs import Lists, SymbolRuns, in_groups, runs_of
from .snapshots import BROKER_SYMBOL, EXCHANGE, EXPIRY, SYMBOL, TOKEN, Snapshot

FEW = 8_000
"""So many candidates are all ranked and sorted; more are ranked until there are enough."""

_VERY_FEW = 1_000
"""Of so many candidates nobody looks for fewer."""
_SCAN = 3_000
"""To go through all tokens takes as long as to rank so many."""
_DENSE = 5
"""Where one text of so many has a word, to look at each is faster than to leap to the next."""
_ANSWERS = 500
"""So many are remembered."""

_CHUNK, _MOMENT = 1_000, 0.00005
"""Rows after which a build lets other threads run, and for how many seconds: who wants the
interpreter back would else wait for 5 ms."""

Places = Sequence[int]
"""Where rows stand in the order of answers, rising."""


class SearchIndex:
    """Of one snapshot. What ranks alike is answered in this order: first what does not expire, then
    by the nearer expiry, the shorter symbol, the alphabet.

    All is kept as lists of the places of rows: those with one run in their symbol, those of one
    exchange … An answer is a merge of such lists, which ends when there are enough.
    """

    def __init__(self, master: Snapshot) -> None:
        self.master = master
        self._rows = _in_order(master)
        self._expiries: list[date] = []
        self._by_name: Lists = defaultdict(list)
        self._by_exchange: Lists = defaultdict(list)
        self._by_strike: dict[float, list[int]] = defaultdict(list)
        self._symbols, self._broker_symbols, self._tokens = _Texts(), _Texts(), _Texts()
        self._in_tokens = Memo(self._tokens.hold)
        """Whether any token has a letter."""
        self._answers: FIFOCache[Search, list[Row]] = FIFOCache(_ANSWERS)
        self._mutex = Lock()
        runs = SymbolRuns()
        for at in range(0, len(self._rows), _CHUNK):
            rows = self._rows[at : at + _CHUNK]
            self._add(rows, list(range(at, at + len(rows))), runs)
            sleep(_MOMENT)
        self._by_head = runs.by_head
        parts = runs.by_head, runs.by_first, runs.by_last, runs.by_broker_run
        self._runs = _Vocabulary(pair for by_run in parts for pair in by_run.items())
        self._names = _Vocabulary(self._by_name.items())

    def _add(self, rows: list[Row], at: list[int], runs: SymbolRuns) -> None:
        """The next rows, and their places, of which all lists share the objects."""
        symbols = self._symbols.add([row[SYMBOL] for row in rows])
        broker_symbols = self._broker_symbols.add([row[BROKER_SYMBOL] for row in rows])
        runs.add(at, symbols.split("\0"), broker_symbols.split("\0"))
        self._tokens.add([row[TOKEN] for row in rows])
        self._expiries += [row[EXPIRY] or date.min for row in rows]
        for name, alike in in_groups(row[NAME] for row in rows):
            self._by_name[name or ""] += at[alike]
        for exchange, alike in in_groups(row[EXCHANGE] for row in rows):
            self._by_exchange[exchange] += at[alike]
        by_strike = self._by_strike
        for place, row in zip(at, rows, strict=True):
            if row[STRIKE]:
                by_strike[row[STRIKE]].append(place)

    def find(self, search: Search) -> list[Row]:
        """The rows that answer, the best first."""
        found = self._answers.get(search)
        if found is None:
            found = [self._rows[each] for each in islice(self._places(search), search.limit)]
            with self._mutex:
                self._answers[search] = found
        return found

    def _places(self, search: Search) -> Iterator[int]:
        """The places of the rows that answer, the best first."""
        lists, count = self._candidates(search)
        if search.words and count > FEW:
            return self._by_rank(search, lists)
        rank, rows, hidden = ranking(search), self._rows, self._expired(search.since)
        places = sorted(set().union(*lists)) if search.words else _merged(lists)
        ranked: Iterable[tuple[int, int]] = (
            (rank(rows[each]), each) for each in places if each not in hidden
        )
        if search.words:  # without them all rank alike
            ranked = sorted(ranked)
        return (each for fits, each in ranked if fits != NONE)

    def _by_rank(self, search: Search, lists: list[Iterable[int]]) -> Iterator[int]:
        """The places of answers, rank by rank, none looked for before it is needed."""
        rank, rows, hidden = ranking(search), self._rows, self._expired(search.since)
        better = self._exact, self._of_underlying, self._prefixed  # in the order of their ranks
        for fits, candidates in enumerate(better):
            for each in _merged(candidates(search)):
                if each not in hidden and rank(rows[each]) == fits:
                    yield each
        in_symbols = [word for word in search.words if self._symbols.hold(word)]
        others: list[int] = []
        if in_symbols and len(search.words) > 1:
            for each in _merged(lists):
                if each not in hidden:
                    fits = rank(rows[each])
                    if fits == SUBSTRING:
                        yield each
                    elif fits == OTHER and len(others) < search.limit:
                        others.append(each)
            yield from others
            return
        for word in in_symbols:
            for each in self._symbols.holding(word):
                if each not in hidden and rank(rows[each]) == SUBSTRING:
                    yield each
        for each in _merged(lists):
            if each not in hidden and rank(rows[each]) == OTHER:
                yield each

    def _expired(self, since: date) -> range:
        return range(bisect_right(self._expiries, date.min), bisect_left(self._expiries, since))

    def _candidates(self, search: Search) -> tuple[list[Iterable[int]], int]:
        """Lists in one of which every answer stands, and how long they are together."""
        best: list[Places] = [range(len(self._rows))]
        fewest = len(self._rows)
        for places in self._filtered(search):
            if len(places) < fewest:
                best, fewest = [places], len(places)
        rarest, least = None, fewest
        for word in sorted(search.words, key=len, reverse=True):  # a long one may be rare
            if least <= _VERY_FEW:
                break
            lists = self._holding(word)
            count = sum(map(len, lists))
            cost = count + (_SCAN if self._may_be_token(word) else 0)
            if cost < least:
                best, rarest, fewest, least = lists, word, count, cost
        if fewest > FEW:
            for word in search.words if rarest is None else [rarest]:
                if len(runs_of(word)) > 1:  # most of these rows have but one of them
                    return [*self._exactly(word)], fewest
        if rarest is None:
            return [*best], fewest
        by_token = self._by_token(rarest)
        first = list(islice(by_token, max(0, FEW + 1 - fewest)))
        return [*best, first, by_token], fewest + len(first)

    def _filtered(self, search: Search) -> Iterator[Places]:
        if search.exchange is not None:
            yield self._by_exchange.get(search.exchange, ())
        if search.underlying is not None:
            yield self._by_name.get(search.underlying, ())
        if (expiry := search.expiry) is not None:
            yield range(bisect_left(self._expiries, expiry), bisect_right(self._expiries, expiry))

    def _holding(self, word: str) -> list[Places]:
        """Lists in one of which every row stands that has the word, unless in its token."""
        return self._runs.holding(max(runs_of(word), key=len)) + self._elsewhere(word)

    def _exactly(self, word: str) -> Iterator[Iterable[int]]:
        """Lists of the rows that have it, made while they are read."""
        yield self._symbols.holding(word)
        yield self._broker_symbols.holding(word)
        yield self._by_token(word)
        yield from self._elsewhere(word)

    def _by_token(self, word: str) -> Iterator[int]:
        return self._tokens.holding(word) if self._may_be_token(word) else iter(())

    def _may_be_token(self, word: str) -> bool:
        """Whether each letter of it is in any token."""
        return all(self._in_tokens[letter] for letter in word)

    def _elsewhere(self, word: str) -> list[Places]:
        """Of the rows that have it in the name or as the strike."""
        found = self._names.holding(word)
        if (number := number_in(word)) is not None:
            found.append(self._by_strike.get(number, ()))
        return found

    def _exact(self, search: Search) -> Iterator[Places]:
        for text in {*search.words, "".join(search.words)}:
            places = self._by_head.get(runs_of(text)[0], ())
            yield [each for each in places if self._rows[each][SYMBOL].casefold() == text]

    def _of_underlying(self, search: Search) -> Iterator[Places]:
        return (p for name, p in self._by_name.items() if name.casefold() in search.words)

    def _prefixed(self, search: Search) -> Iterator[Places]:
        for first, *rest in map(runs_of, search.words):
            if rest:
                yield self._by_head.get(first, ())
            else:
                yield from (p for head, p in self._by_head.items() if head.startswith(first))


class _Texts:
    """Many texts, a thousand of them in one with a NUL between each two: to go through such takes
    the least time.
    """

    def __init__(self) -> None:
        self._parts: list[tuple[int, str]] = []
        """Each with the number of its first text."""
        self._size = 0

    def add(self, texts: Sequence[str]) -> str:
        """The next ones; returns them in one."""
        part = "\0".join(texts).casefold()
        self._parts.append((self._size, part))
        self._size += len(texts)
        return part

    def hold(self, word: str) -> bool:
        """Whether one of them holds the word."""
        return any(word in part for _, part in self._parts)

    def count(self, word: str) -> int:
        """How often the word is there."""
        return sum(part.count(word) for _, part in self._parts)

    def holding(self, word: str) -> Iterator[int]:
        """The numbers of the texts that hold the word, rising."""
        for number, part in self._parts:
            begin, at = 0, part.find(word)
            while at >= 0:
                number += part.count("\0", begin, at)
                yield number
                begin = part.find("\0", at)
                at = part.find(word, begin) if begin >= 0 else -1


class _Vocabulary:
    """Different texts, each with the places of the rows that have it."""

    def __init__(self, places: Iterable[tuple[str, Places]]) -> None:
        self._places = [(text.casefold(), each) for text, each in places]
        self._texts = _Texts()
        self._texts.add([text for text, _ in self._places])

    def holding(self, word: str) -> list[Places]:
        """The places of each text that holds the word."""
        if self._texts.count(word) * _DENSE > len(self._places):
            return [places for text, places in self._places if word in text]
        return [self._places[number][1] for number in self._texts.holding(word)]


def _in_order(master: Snapshot) -> list[Row]:
    """All rows of a master; sorted in parts, since a sort lets no other thread run."""
    alike: dict[tuple[date, int], list[Row]] = defaultdict(list)
    for rows in master.by_symbol.values():
        for row in rows.values():
            alike[row[EXPIRY] or date.min, len(row[SYMBOL])].append(row)
        sleep(_MOMENT)
    found: list[Row] = []
    for key in sorted(alike):
        part = alike.pop(key)
        part.sort(key=itemgetter(EXCHANGE))
        part.sort(key=itemgetter(SYMBOL))
        found += part
        sleep(_MOMENT)
    return found


def _merged(lists: Iterable[Iterable[int]]) -> Iterator[int]:
    """What stands in any of these rising lists, rising, each once."""
    last = -1
    for each in merge(*lists):
        if each != last:
            yield each
            last = each
