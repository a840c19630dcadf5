ALTER TABLE sandbox_positions DROP COLUMN trading_day;
DROP INDEX ix_sandbox_orders_user_status;
CREATE INDEX ix_sandbox_orders_user_status ON sandbox_orders (user_id, status);
DROP INDEX uq_sandbox_trades_imported;
ALTER TABLE sandbox_orders DROP COLUMN fill_value;
