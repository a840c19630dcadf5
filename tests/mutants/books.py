"""Mistakes in the books: days, reports, conversions, and what two do at once."""

from .mutation import Mutation

TRADING = "openalgo_store/repositories/trading"
TESTS = "tests/contract/trading"

BOOKS = (
    # Days
    Mutation(
        "what is open is carried with what its day has paid, not at its average",
        f"{TRADING}/position_pool.py",
        "begun = self._begun(quantity, self.value_of(quantity))",
        "begun = self._begun(quantity, abs(self.buy_value - self.sell_value))",
        (f"{TESTS}/test_days_of_positions.py",),
    ),
    Mutation(
        "a fill holds its position before it looks at the others of its instrument",
        "sql/trading/positions.sql",
        "      AND (known.trading_day <> :trading_day OR known.adjusted_at >= :since)\n",
        "      AND known.adjusted_at >= :since\n",
        (f"{TESTS}/test_races.py",),
        ("postgresql",),
    ),
    Mutation(
        "a fill that waited is added whatever day its position has become of",
        "sql/trading/positions.sql",
        "WHERE p.trading_day = excluded.trading_day AND (p.adjusted_at",
        "WHERE (p.adjusted_at",
        (f"{TESTS}/test_races.py",),
        ("postgresql",),
    ),
    Mutation(
        "a report of a new day does not keep the day before",
        f"{TRADING}/position_reports.py",
        "        if stored_day < day:\n            closed.append(row_id)\n",
        "        if stored_day < day:\n",
        (f"{TESTS}/test_position_reports.py",),
    ),
    Mutation(
        "averages are rounded where days are told again and not where fills are added",
        "openalgo_store/tables/types.py",
        "return None if value is None else check_finite(value)\n\n\nclass UTCDateTime",
        "return None if value is None else check_rupees(value)\n\n\nclass UTCDateTime",
        (f"{TESTS}/test_fills.py", f"{TESTS}/test_positions.py"),
    ),
    # Adjustments
    Mutation(
        "a fill of the moment of an adjustment counts after it",
        f"{TRADING}/position_fold.py",
        "fills[-1].traded_at <= adjustment.adjusted_at:",
        "fills[-1].traded_at < adjustment.adjusted_at:",
        (f"{TESTS}/test_positions.py",),
    ),
    Mutation(
        "a fill that waited is added on top of the adjustment that has it in",
        "sql/trading/positions.sql",
        " AND (p.adjusted_at IS NULL OR p.adjusted_at < :since)\n",
        "\n",
        (f"{TESTS}/test_races.py",),
        ("postgresql",),
    ),
    Mutation(
        "an adjustment that is known is made again",
        f"{TRADING}/adjustments.py",
        "        known.quantity in quantities\n",
        "        known.id == wanted.id\n",
        (f"{TESTS}/test_days_of_positions.py",),
    ),
    Mutation(
        "an adjustment to the other side is taken for the one before it",
        f"{TRADING}/adjustments.py",
        'if wanted.kind == "CONVERSION":',
        "if wanted.kind:",
        (f"{TESTS}/test_days_of_positions.py",),
    ),
    Mutation(
        "what a conversion lacks, since a sale came late, is forgotten",
        f"{TRADING}/position_pool.py",
        "return left.traded(other, abs(units) - taken, self.value_of(units) - taken_value)",
        "return left if other else self",
        (f"{TESTS}/test_positions.py",),
    ),
    Mutation(
        "imported history counts where days are told again",
        "sql/trading/trades.sql",
        "AND broker = :broker AND is_fill;",
        "AND broker = :broker;",
        (f"{TESTS}/test_positions.py",),
    ),
    Mutation(
        "positions are read without a lock and set by what was read",
        "sql/trading/positions.sql",
        "ORDER BY product\nFOR NO KEY UPDATE;",
        "ORDER BY product;",
        (f"{TESTS}/test_races.py",),
        ("postgresql",),
    ),
    Mutation(
        "a price that comes late is taken, whatever newer one is known",
        f"{TRADING}/position_prices.py",
        "(told.priced_at and self.priced_at <= told.priced_at):",
        "told.priced_at:",
        (f"{TESTS}/test_last_prices.py",),
    ),
    Mutation(
        "a report on time tells its price, whatever newer one is known",
        f"{TRADING}/position_reports.py",
        "each.last_price if priced_at is None or priced_at <= moment else None",
        "each.last_price",
        (f"{TESTS}/test_last_prices.py",),
    ),
    Mutation(
        "a split forgets a price that was told for later",
        f"{TRADING}/position_prices.py",
        "        if self.priced_at is None or (",
        "        if told.last_price is None or self.priced_at is None or (",
        (f"{TESTS}/test_last_prices.py",),
    ),
    # Reports of orders
    Mutation(
        "of two reports of one moment the first stays",
        f"{TRADING}/order_reports.py",
        "is_news = before.reported_at is None or moment >= before.reported_at",
        "is_news = before.reported_at is None or moment > before.reported_at",
        (f"{TESTS}/test_orders.py",),
    ),
    Mutation(
        "a report that came late changes the order",
        f"{TRADING}/order_reports.py",
        "told | texts if is_news else {}",
        "told | texts",
        (f"{TESTS}/test_order_reports.py",),
    ),
    # Holdings
    Mutation(
        "a whole report of one broker takes the holdings at the others",
        "sql/trading/holdings.sql",
        """\
WHERE user_id = :user_id AND broker = :broker AND (symbol, exchange) NOT IN (
    SELECT json_extract(""",
        """\
WHERE user_id = :user_id AND broker <= :broker AND (symbol, exchange) NOT IN (
    SELECT json_extract(""",
        (f"{TESTS}/test_holdings.py",),
    ),
    Mutation(
        "two whole reports of one owner do not wait for each other",
        f"{TRADING}/holdings.py",
        '            tx.lock(f"{book.prefix}holdings of {owner_id} at {at}")\n',
        "            pass\n",
        (f"{TESTS}/test_reports_at_once.py",),
        ("postgresql",),
    ),
)
