-- The closed days of positions. /*book*/ is nothing in the live book and sandbox_ in the
-- paper-trading one.

-- name: get_position_days_from
-- A range of uq_position_days_of_position for each product,
-- sorted: of the few days that are looked at again.
SELECT id, trading_day, last_price, priced_at, overnight_quantity, buy_quantity, buy_value,
       sell_quantity, sell_value, realized_value, realized_today
FROM /*book*/position_days
WHERE user_id = :user_id AND broker = :broker AND symbol = :symbol AND exchange = :exchange
  AND product = :product AND trading_day >= :begin
ORDER BY trading_day;

-- name: get_position_day_before
-- The end of a range of uq_position_days_of_position.
SELECT id, trading_day, last_price, priced_at, overnight_quantity, buy_quantity, buy_value,
       sell_quantity, sell_value, realized_value, realized_today
FROM /*book*/position_days
WHERE user_id = :user_id AND broker = :broker AND symbol = :symbol AND exchange = :exchange
  AND product = :product AND trading_day < :begin
ORDER BY trading_day DESC
LIMIT 1;

-- name: set_position_day
-- uq_position_days_of_position decides between a day that is closed now and one that was before.
INSERT INTO /*book*/position_days (
    user_id, broker, symbol, exchange, product, trading_day, last_price, priced_at,
    overnight_quantity, buy_quantity, buy_value, sell_quantity, sell_value, realized_value,
    realized_today
) VALUES (
    :user_id, :broker, :symbol, :exchange, :product, :trading_day, :last_price, :priced_at,
    :overnight_quantity, :buy_quantity, :buy_value, :sell_quantity, :sell_value, :realized_value,
    :realized_today
)
ON CONFLICT (user_id, broker, symbol, exchange, product, trading_day) DO UPDATE SET
    last_price = excluded.last_price,
    priced_at = excluded.priced_at,
    overnight_quantity = excluded.overnight_quantity,
    buy_quantity = excluded.buy_quantity,
    buy_value = excluded.buy_value,
    sell_quantity = excluded.sell_quantity,
    sell_value = excluded.sell_value,
    realized_value = excluded.realized_value,
    realized_today = excluded.realized_today;

-- name: close_position_days @sqlite
-- By pk_positions for each number: the day of a position as it is now, for one that is to begin.
INSERT INTO /*book*/position_days (
    user_id, broker, symbol, exchange, product, trading_day, last_price, priced_at,
    overnight_quantity, buy_quantity, buy_value, sell_quantity, sell_value, realized_value,
    realized_today
)
SELECT user_id, broker, symbol, exchange, product, trading_day, last_price, priced_at,
       overnight_quantity, buy_quantity, buy_value, sell_quantity, sell_value, realized_value,
       realized_today
FROM json_each(:ids) AS item
CROSS JOIN /*book*/positions AS p ON p.id = item.value;

-- name: close_position_days @postgresql
-- By pk_positions for each number: the day of a position as it is now, for one that is to begin.
INSERT INTO /*book*/position_days (
    user_id, broker, symbol, exchange, product, trading_day, last_price, priced_at,
    overnight_quantity, buy_quantity, buy_value, sell_quantity, sell_value, realized_value,
    realized_today
)
SELECT user_id, broker, symbol, exchange, product, trading_day, last_price, priced_at,
       overnight_quantity, buy_quantity, buy_value, sell_quantity, sell_value, realized_value,
       realized_today
FROM json_array_elements_text(:ids) AS item
JOIN /*book*/positions AS p ON p.id = CAST(item AS BIGINT);

-- name: get_position_history
-- Ranges of ix_position_days_user_day and of uq_positions_user_id_broker_symbol_exchange_product,
-- sorted: the closed days, and the day that each position is of now.
SELECT user_id, broker, symbol, exchange, product, trading_day, last_price, overnight_quantity,
       buy_quantity, buy_value, sell_quantity, sell_value, realized_value, realized_today
FROM /*book*/position_days
WHERE user_id = :user_id AND trading_day >= :begin AND trading_day <= :end
UNION ALL
SELECT user_id, broker, symbol, exchange, product, trading_day, last_price, overnight_quantity,
       buy_quantity, buy_value, sell_quantity, sell_value, realized_value, realized_today
FROM /*book*/positions
WHERE user_id = :user_id AND trading_day >= :begin AND trading_day <= :end
ORDER BY trading_day, broker, symbol, exchange, product;
