-- The sandbox's trading books: exact averages, the day of a position, imported trades.

-- What an order's fills came to, in millionths of a rupee; the average price follows from it.
ALTER TABLE sandbox_orders ADD COLUMN fill_value BIGINT NOT NULL DEFAULT 0;
UPDATE sandbox_orders SET fill_value = CAST(ROUND(fill_price * 1000000) AS BIGINT) * fill_quantity
WHERE fill_price IS NOT NULL;

-- A trade without an order is known by all of these together, so that history can be read twice.
CREATE UNIQUE INDEX uq_sandbox_trades_imported
ON sandbox_trades (user_id, broker, exchange, symbol, trade_id, traded_at, action, product)
WHERE order_id IS NULL;

-- Pages of one status are read from the index too, newest first.
DROP INDEX ix_sandbox_orders_user_status;
CREATE INDEX ix_sandbox_orders_user_status
ON sandbox_orders (user_id, status, placed_at DESC, id DESC);

-- The Indian day that day_quantity counts.
ALTER TABLE sandbox_positions ADD COLUMN trading_day DATE;
