"""Whether what is stored adds up."""

from collections.abc import Iterator

from ..records.trading import BookDifference
from ..repositories.trading.books import BOOKS
from ..repositories.trading.checks import check_book_sums
from ..sessions import reading


def check_books() -> Iterator[BookDifference]:
    """What does not add up in the live book and in the paper-trading one; each in one snapshot."""
    for book in BOOKS:
        with reading(book.database, primary=True) as tx:
            yield from check_book_sums(book, tx)
