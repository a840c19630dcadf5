-- Takes the whole sandbox database away, tables that refer to others first.

DROP TABLE sandbox_holdings;
DROP TABLE sandbox_positions;
DROP TABLE sandbox_trades;
DROP TABLE sandbox_orders;
