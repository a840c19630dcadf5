-- What cannot be in a book that adds up. /*book*/ is nothing in the live book and sandbox_ in the
-- paper-trading one. Every statement reads its tables whole: checks are rare.

-- name: find_wrong_orders
-- All orders, each with a range of uq_trades_order_id_broker_trade_id; by pk_orders.
SELECT o.id, o.broker, o.order_id, o.status, o.quantity, o.fill_quantity, o.fill_value,
       o.booked_quantity, o.booked_value, o.reported_quantity, o.reported_value,
       CAST(COALESCE(SUM(t.quantity), 0) AS BIGINT) AS traded_quantity,
       CAST(COALESCE(SUM(t.quantity * CAST(ROUND(t.price * 1000000) AS BIGINT)), 0) AS BIGINT)
           AS traded_value
FROM /*book*/orders AS o
LEFT JOIN /*book*/trades AS t ON t.order_id = o.order_id AND t.broker = o.broker AND t.is_fill
GROUP BY o.id
HAVING o.booked_quantity <> COALESCE(SUM(t.quantity), 0)
    OR o.booked_value
        <> COALESCE(SUM(t.quantity * CAST(ROUND(t.price * 1000000) AS BIGINT)), 0)
    OR o.fill_quantity <> CASE
        WHEN o.booked_quantity >= o.reported_quantity THEN o.booked_quantity
        ELSE o.reported_quantity
    END
    OR o.fill_value <> CASE
        WHEN o.booked_quantity >= o.reported_quantity THEN o.booked_value
        ELSE o.reported_value
    END
    OR (o.status = 'REJECTED' AND o.fill_quantity <> 0)
    OR (o.status IN ('TRIGGER_PENDING', 'OPEN') AND o.fill_quantity >= o.quantity)
ORDER BY o.id;

-- name: find_trades_without_position
-- All trades that count, each with a probe of
-- uq_positions_user_id_broker_symbol_exchange_product.
SELECT t.id, t.broker, t.order_id, t.trade_id, t.symbol, t.exchange, t.product
FROM /*book*/trades AS t
WHERE t.is_fill AND NOT EXISTS (
    SELECT 1 FROM /*book*/positions AS p
    WHERE p.user_id = t.user_id AND p.broker = t.broker AND p.symbol = t.symbol
      AND p.exchange = t.exchange AND p.product = t.product
)
ORDER BY t.id;

-- name: find_trades_unlike_their_orders
-- All trades, each with a probe of uq_orders_order_id_broker.
SELECT t.id, t.broker, t.order_id, t.trade_id, t.symbol, t.exchange, t.product
FROM /*book*/trades AS t
JOIN /*book*/orders AS o ON o.order_id = t.order_id AND o.broker = t.broker
WHERE t.user_id <> o.user_id OR t.symbol <> o.symbol OR t.exchange <> o.exchange
   OR t.action <> o.action OR t.product <> o.product
ORDER BY t.id;

-- name: get_every_position
-- In the order of uq_positions_user_id_broker_symbol_exchange_product.
SELECT id, user_id, broker, symbol, exchange, product, quantity, average_price, day_quantity,
       trading_day, overnight_quantity, buy_quantity, buy_value, sell_quantity, sell_value,
       realized_value, realized_today
FROM /*book*/positions
ORDER BY user_id, broker, symbol, exchange, product;

-- name: find_parts_without_position
-- The closed days and the adjustments, each with a probe of
-- uq_positions_user_id_broker_symbol_exchange_product.
SELECT 'position_days' AS part, d.id, d.broker, d.symbol, d.exchange, d.product
FROM /*book*/position_days AS d
WHERE NOT EXISTS (
    SELECT 1 FROM /*book*/positions AS p
    WHERE p.user_id = d.user_id AND p.broker = d.broker AND p.symbol = d.symbol
      AND p.exchange = d.exchange AND p.product = d.product
)
UNION ALL
SELECT 'position_adjustments' AS part, a.id, a.broker, a.symbol, a.exchange, a.product
FROM /*book*/position_adjustments AS a
WHERE NOT EXISTS (
    SELECT 1 FROM /*book*/positions AS p
    WHERE p.user_id = a.user_id AND p.broker = a.broker AND p.symbol = a.symbol
      AND p.exchange = a.exchange AND p.product = a.product
)
ORDER BY part, id;
