-- Realised profit names its trades: the index holds their ids too, so that the table is not read.

DROP INDEX ix_trades_position;
CREATE INDEX ix_trades_position ON trades
    (user_id, broker, symbol, exchange, product, traded_at, action, quantity, price) INCLUDE (id);
