DROP INDEX ix_trades_position;
