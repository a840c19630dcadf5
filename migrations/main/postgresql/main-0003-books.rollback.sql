ALTER TABLE positions DROP COLUMN trading_day;
DROP INDEX ix_orders_user_status;
CREATE INDEX ix_orders_user_status ON orders (user_id, status);
DROP INDEX uq_trades_imported;
ALTER TABLE orders DROP COLUMN fill_value;
