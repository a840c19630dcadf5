ALTER TABLE sandbox_positions DROP COLUMN trading_day;
DROP INDEX uq_sandbox_trades_imported;
ALTER TABLE sandbox_orders DROP COLUMN fill_value;
