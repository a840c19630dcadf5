-- Realised profit and loss. /*book*/ is nothing in the live book and sandbox_ in the paper-trading one.
-- Units sold are less than 0, values are in millionths of a rupee.

-- name: get_places_traded
-- From each place to the next one in the order of ix_trades_position, by one trade of each: its other
-- trades are not looked at. One comparison of all four would read them on SQLite. What was open there
-- is added up from the same index, place by place: a GROUP BY would compare all four for each trade.
WITH RECURSIVE place (id) AS (
    SELECT (SELECT id FROM /*book*/trades WHERE user_id = :user_id
            ORDER BY broker, symbol, exchange, product LIMIT 1)
    UNION ALL
    SELECT COALESCE(
        (SELECT id FROM /*book*/trades WHERE user_id = :user_id AND broker = p.broker
            AND symbol = p.symbol AND exchange = p.exchange AND product > p.product
         ORDER BY product LIMIT 1),
        (SELECT id FROM /*book*/trades WHERE user_id = :user_id AND broker = p.broker
            AND symbol = p.symbol AND exchange > p.exchange
         ORDER BY exchange, product LIMIT 1),
        (SELECT id FROM /*book*/trades WHERE user_id = :user_id AND broker = p.broker
            AND symbol > p.symbol
         ORDER BY symbol, exchange, product LIMIT 1),
        (SELECT id FROM /*book*/trades WHERE user_id = :user_id AND broker > p.broker
         ORDER BY broker, symbol, exchange, product LIMIT 1)
    )
    FROM place JOIN /*book*/trades AS p ON p.id = place.id
)
SELECT t.broker, t.symbol, t.exchange, t.product,
       (SELECT CAST(COALESCE(SUM(CASE b.action WHEN 'BUY' THEN b.quantity ELSE -b.quantity END), 0)
                    AS BIGINT)
        FROM /*book*/trades AS b
        WHERE b.user_id = :user_id AND b.broker = t.broker AND b.symbol = t.symbol
          AND b.exchange = t.exchange AND b.product = t.product AND b.traded_at < :begin) AS units
FROM place JOIN /*book*/trades AS t ON t.id = place.id
WHERE t.symbol = COALESCE(:symbol, t.symbol) AND t.exchange = COALESCE(:exchange, t.exchange)
  AND t.broker = COALESCE(:broker, t.broker);

-- name: get_last_lots
-- The end of a range of ix_trades_position; what one moment has in it is sorted by id.
SELECT traded_at, id, CASE action WHEN 'BUY' THEN quantity ELSE -quantity END AS units,
       quantity * CAST(ROUND(price * 1000000) AS BIGINT) AS value
FROM /*book*/trades
WHERE user_id = :user_id AND broker = :broker AND symbol = :symbol AND exchange = :exchange
  AND product = :product AND action = :action AND traded_at < :begin
ORDER BY traded_at DESC, id DESC
LIMIT :row_limit;

-- name: get_lots_of_place @sqlite
-- A range of ix_trades_position, which holds all that is read. The values of all trades come in one
-- row: to make a row of each takes ten times as long as to find it.
SELECT json_group_array(traded_at) AS moments, json_group_array(id) AS ids,
       json_group_array(CASE action WHEN 'BUY' THEN quantity ELSE -quantity END) AS units,
       json_group_array(quantity * CAST(ROUND(price * 1000000) AS BIGINT)) AS amounts
FROM /*book*/trades
WHERE user_id = :user_id AND broker = :broker AND symbol = :symbol AND exchange = :exchange
  AND product = :product AND traded_at >= :begin AND traded_at < :end;

-- name: get_lots_of_place @postgresql
-- The same of ix_trades_position; two columns are compared together since the index by days,
-- which lacks the first of them, would read what was traded everywhere on these days.
SELECT array_agg(traded_at) AS moments, array_agg(id) AS ids,
       array_agg(CASE action WHEN 'BUY' THEN quantity ELSE -quantity END) AS units,
       array_agg(quantity * CAST(ROUND(price * 1000000) AS BIGINT)) AS amounts
FROM /*book*/trades
WHERE user_id = :user_id AND broker = :broker AND symbol = :symbol AND exchange = :exchange
  AND (product, traded_at) >= (:product, :begin) AND (product, traded_at) < (:product, :end);
