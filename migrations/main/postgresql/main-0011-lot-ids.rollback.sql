DROP INDEX ix_trades_position;
CREATE INDEX ix_trades_position ON trades
    (user_id, broker, symbol, exchange, product, traded_at, action, quantity, price);
