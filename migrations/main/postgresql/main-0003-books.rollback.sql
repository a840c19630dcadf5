ALTER TABLE positions DROP COLUMN trading_day;
DROP INDEX uq_trades_imported;
ALTER TABLE orders DROP COLUMN fill_value;
