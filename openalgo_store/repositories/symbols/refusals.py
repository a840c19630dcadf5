"""Which masters are not loaded unless forced: too little of a file, or of what is stored."""

from ...errors import SymbolLoadRefused
from ...instruments.csv_files import CUT, HEADER_ALONE
from ...instruments.json_files import NO_OBJECT
from .comparison import Difference
from .incoming_master import IncomingMaster

MANY = 50
"""Rows from which shares of them are judged."""
MOST_REJECTED = 0.05


def refuse_a_bad_file(master: IncomingMaster, broker: str) -> None:
    """Raise SymbolLoadRefused if what was read cannot be all that the broker lists."""
    reasons = master.rejected_by_reason
    if not sum(master.sizes().values()):
        raise SymbolLoadRefused(
            f"the master of {broker} has no row that can be stored ({_rejected(master)}): "
            "the one before it stays; force it to empty it"
        )
    for reason in (CUT, HEADER_ALONE, NO_OBJECT):
        if reasons[reason]:
            raise SymbolLoadRefused(
                f"a file of {broker}: {reason}: the master before it stays; download it again, or "
                "force it"
            )
    if master.total >= MANY and master.rejected > master.total * MOST_REJECTED:
        raise SymbolLoadRefused(
            f"of {master.total} rows of {broker} {_rejected(master)}: the master before it stays; "
            "force it if that is right"
        )


def refuse_a_loss(difference: Difference, broker: str) -> None:
    """Raise SymbolLoadRefused if more than half of what is stored would go, or become another."""
    stored = sum(difference.before.values())
    today = sum(difference.today.values())
    if today * 2 < stored:
        raise SymbolLoadRefused(
            f"the master of {broker} has {today} rows, less than half of the {stored} "
            "stored: the one before it stays; force it if that is right"
        )
    for exchange, before in difference.before.items():
        now = difference.today[exchange]
        if before >= MANY and now * 2 < before:
            raise SymbolLoadRefused(
                f"the master of {broker} has {now} rows of {exchange}, less than half of the "
                f"{before} stored: the one before it stays; force it if that is right"
            )
        lasting, lost = difference.lasting[exchange], difference.lost[exchange]
        if lasting >= MANY and lost * 2 > lasting:
            raise SymbolLoadRefused(
                f"the master of {broker} lacks {lost} of the {lasting} symbols of {exchange} that "
                "have not expired: the one before it stays; force it if that is right"
            )
        scaled = difference.scaled[exchange]
        if before >= MANY and scaled * 2 > before:
            raise SymbolLoadRefused(
                f"the master of {broker} has tick sizes of {exchange} in another unit, {scaled} of "
                f"{before} are 100 times as large or as small: the one before it stays; force it "
                "if that is right"
            )


def _rejected(master: IncomingMaster) -> str:
    reasons = ", ".join(
        f"{count} {reason}" for reason, count in master.rejected_by_reason.most_common(3)
    )
    return f"{master.rejected} rejected: {reasons}" if reasons else "0 rejected"
