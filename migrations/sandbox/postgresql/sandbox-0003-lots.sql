-- The sandbox's lots: what was bought and sold of each position, without a look at the trades.

CREATE INDEX ix_sandbox_trades_position
ON sandbox_trades (user_id, broker, symbol, exchange, product, traded_at, action, quantity);
