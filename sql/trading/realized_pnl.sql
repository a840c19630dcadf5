-- Realised profit and loss. /*book*/ is nothing in the live book and sandbox_ in the paper-trading one.

-- name: get_last_lots
-- The end of a range of ix_trades_position; what one moment has in it is sorted by id. Units sold
-- are less than 0, the value is in millionths of a rupee.
SELECT traded_at, id, broker, symbol, exchange, product,
       CASE action WHEN 'BUY' THEN quantity ELSE -quantity END AS units,
       quantity * CAST(ROUND(price * 1000000) AS BIGINT) AS value
FROM /*book*/trades
WHERE user_id = :user_id AND broker = :broker AND symbol = :symbol AND exchange = :exchange
  AND product = :product AND action = :action AND traded_at < :begin
ORDER BY traded_at DESC, id DESC
LIMIT :row_limit;

-- name: get_lots_of_instrument
-- A range of ix_trades_position, sorted, since its products are told together.
SELECT traded_at, id, broker, symbol, exchange, product,
       CASE action WHEN 'BUY' THEN quantity ELSE -quantity END AS units,
       quantity * CAST(ROUND(price * 1000000) AS BIGINT) AS value
FROM /*book*/trades
WHERE user_id = :user_id AND broker = :broker AND symbol = :symbol AND exchange = :exchange
  AND traded_at < :end
ORDER BY traded_at, id;
