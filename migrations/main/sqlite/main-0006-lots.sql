-- Lots: what was bought and sold of each position, without a look at the trades.

CREATE INDEX ix_trades_position
ON trades (user_id, broker, symbol, exchange, product, traded_at, action, quantity);
