-- Trades. /*book*/ is nothing in the live book and sandbox_ in the paper-trading one.
-- Columns of a record stand in the order of the table.

-- name: add_trade
-- Nothing comes back when the trade is there already: by uq_trades_order_id_broker_trade_id, or by
-- uq_trades_imported where it has no order.
INSERT INTO /*book*/trades (
    trade_id, order_id, user_id, broker, symbol, exchange, action, product, quantity, price,
    traded_at, is_fill
) VALUES (
    :trade_id, :order_id, :user_id, :broker, :symbol, :exchange, :action, :product, :quantity,
    :price, :traded_at, :is_fill
)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: get_trade
-- One probe of uq_trades_order_id_broker_trade_id.
SELECT id, trade_id, order_id, user_id, broker, symbol, exchange, action, product, quantity,
       price, traded_at
FROM /*book*/trades
WHERE order_id = :order_id AND trade_id = :trade_id AND broker = :broker;

-- name: get_trade_place
-- By pk_trades.
SELECT traded_at, id
FROM /*book*/trades
WHERE id = :id AND user_id = :user_id;

-- name: get_imported_trade
-- One probe of uq_trades_imported.
SELECT id, trade_id, order_id, user_id, broker, symbol, exchange, action, product, quantity,
       price, traded_at
FROM /*book*/trades
WHERE order_id IS NULL AND user_id = :user_id AND broker = :broker AND exchange = :exchange
  AND symbol = :symbol AND trade_id = :trade_id AND traded_at = :traded_at
  AND action = :action AND product = :product;

-- name: get_daily_pnl
-- A range of ix_trades_user_date, which holds all that is read. Each price is a whole number of
-- millionths, so that the sum does not depend on the order of the rows. No trades: zeros.
SELECT CAST(CAST(COALESCE(SUM(value), 0) AS BIGINT) AS DOUBLE PRECISION) / 1000000 AS turnover,
       CAST(CAST(COALESCE(SUM(CASE action WHEN 'SELL' THEN value ELSE -value END), 0) AS BIGINT)
            AS DOUBLE PRECISION) / 1000000 AS realized_pnl
FROM (
    SELECT action, quantity * CAST(ROUND(price * 1000000) AS BIGINT) AS value
    FROM /*book*/trades
    WHERE user_id = :user_id AND traded_at >= :day_begin AND traded_at < :day_end
) AS traded;

-- name: get_daily_sums
-- The same range of ix_trades_user_date, grouped and sorted; values in millionths of a rupee.
SELECT symbol, exchange,
       CAST(SUM(CASE action WHEN 'BUY' THEN quantity ELSE 0 END) AS BIGINT) AS buy_quantity,
       CAST(SUM(CASE action WHEN 'BUY' THEN value ELSE 0 END) AS BIGINT) AS buy_value,
       CAST(SUM(CASE action WHEN 'SELL' THEN quantity ELSE 0 END) AS BIGINT) AS sell_quantity,
       CAST(SUM(CASE action WHEN 'SELL' THEN value ELSE 0 END) AS BIGINT) AS sell_value
FROM (
    SELECT symbol, exchange, action, quantity,
           quantity * CAST(ROUND(price * 1000000) AS BIGINT) AS value
    FROM /*book*/trades
    WHERE user_id = :user_id AND traded_at >= :day_begin AND traded_at < :day_end
) AS traded
GROUP BY symbol, exchange
ORDER BY symbol, exchange;

-- name: get_fills_of_instrument
-- The few days that are looked at again: those of the user or those of the instrument, whichever
-- the engine takes for fewer.
SELECT product, traded_at, action, quantity, price
FROM /*book*/trades
WHERE user_id = :user_id AND traded_at >= :begin AND traded_at < :end AND symbol = :symbol
  AND exchange = :exchange AND broker = :broker AND is_fill;

-- name: get_instruments_filled_after
-- A range of ix_trades_user_date, which is empty as a rule, and of ix_orders_reported; sorted, to
-- tell each once.
SELECT broker, symbol, exchange
FROM /*book*/trades
WHERE user_id = :user_id AND traded_at > :after AND is_fill
UNION
SELECT broker, symbol, exchange
FROM /*book*/orders
WHERE user_id = :user_id AND reported_fill_at > :after AND reported_quantity > booked_quantity;

-- name: get_untraded_of_instrument @sqlite
-- A range of ix_orders_reported: what brokers told to be filled, beyond the trades; of an order
-- whose last part was told later the first one may be asked for. Without the + SQLite would read
-- all the orders of the symbol.
SELECT product, action, booked_quantity, booked_value, reported_points
FROM /*book*/orders
WHERE user_id = :user_id AND reported_fill_at >= :begin AND reported_quantity > booked_quantity
  AND +symbol = :symbol AND exchange = :exchange AND broker = :broker;

-- name: get_untraded_of_instrument @postgresql
-- What brokers told to be filled, beyond the trades; of an order whose last part was told later the
-- first one may be asked for. By the index of the symbol or by that of the reports, whichever the
-- planner takes for smaller.
SELECT product, action, booked_quantity, booked_value, reported_points
FROM /*book*/orders
WHERE user_id = :user_id AND reported_fill_at >= :begin AND reported_quantity > booked_quantity
  AND symbol = :symbol AND exchange = :exchange AND broker = :broker;
