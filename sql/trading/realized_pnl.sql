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

-- name: get_lots_of_places @sqlite
-- A range of ix_trades_position for each place, which holds all that is read. The values of its
-- trades come in one row, a column each: to make a row of each trade takes ten times as long as to
-- find it. MATERIALIZED keeps the trades from being read for each column; json_extract, because ->>
-- needs SQLite 3.38.
WITH found AS MATERIALIZED (
    SELECT item.key AS number, (
        SELECT json_array(
                   json_group_array(traded_at), json_group_array(id),
                   json_group_array(CASE action WHEN 'BUY' THEN quantity ELSE -quantity END),
                   json_group_array(quantity * CAST(ROUND(price * 1000000) AS BIGINT)))
        FROM /*book*/trades
        WHERE user_id = :user_id
          AND broker = json_extract(item.value, '$[0]')
          AND symbol = json_extract(item.value, '$[1]')
          AND exchange = json_extract(item.value, '$[2]')
          AND product = json_extract(item.value, '$[3]')
          AND traded_at >= :begin AND traded_at < :end
    ) AS lots
    FROM json_each(:places) AS item
)
SELECT number, json_extract(lots, '$[0]') AS moments, json_extract(lots, '$[1]') AS ids,
       json_extract(lots, '$[2]') AS units, json_extract(lots, '$[3]') AS amounts
FROM found;

-- name: get_lots_of_places @postgresql
-- The same; aggregated place by place, it cannot become a join with all that was traded on these
-- days.
SELECT item.number - 1 AS number, lot.moments, lot.ids, lot.units, lot.amounts
FROM jsonb_array_elements(CAST(:places AS JSONB)) WITH ORDINALITY AS item (place, number)
CROSS JOIN LATERAL (
    SELECT array_agg(traded_at) AS moments, array_agg(id) AS ids,
           array_agg(CASE action WHEN 'BUY' THEN quantity ELSE -quantity END) AS units,
           array_agg(quantity * CAST(ROUND(price * 1000000) AS BIGINT)) AS amounts
    FROM /*book*/trades
    WHERE user_id = :user_id AND broker = item.place ->> 0 AND symbol = item.place ->> 1
      AND exchange = item.place ->> 2 AND product = item.place ->> 3
      AND traded_at >= :begin AND traded_at < :end
) AS lot;

-- name: get_last_lots_of_places @sqlite
-- The end of a range of ix_trades_position for each place and side; what one moment has in it is
-- sorted by id.
WITH found AS MATERIALIZED (
    SELECT item.key AS number, (
        SELECT json_array(
                   json_group_array(traded_at), json_group_array(id),
                   json_group_array(CASE action WHEN 'BUY' THEN quantity ELSE -quantity END),
                   json_group_array(quantity * CAST(ROUND(price * 1000000) AS BIGINT)))
        FROM (
            SELECT traded_at, id, action, quantity, price
            FROM /*book*/trades
            WHERE user_id = :user_id
              AND broker = json_extract(item.value, '$[0]')
              AND symbol = json_extract(item.value, '$[1]')
              AND exchange = json_extract(item.value, '$[2]')
              AND product = json_extract(item.value, '$[3]')
              AND action = json_extract(item.value, '$[4]')
              AND traded_at < :begin
            ORDER BY traded_at DESC, id DESC
            LIMIT :row_limit
        )
    ) AS lots
    FROM json_each(:places) AS item
)
SELECT number, json_extract(lots, '$[0]') AS moments, json_extract(lots, '$[1]') AS ids,
       json_extract(lots, '$[2]') AS units, json_extract(lots, '$[3]') AS amounts
FROM found;

-- name: get_last_lots_of_places @postgresql
-- The same end of ix_trades_position, sorted by id within a moment.
SELECT item.number - 1 AS number, lot.moments, lot.ids, lot.units, lot.amounts
FROM jsonb_array_elements(CAST(:places AS JSONB)) WITH ORDINALITY AS item (place, number)
CROSS JOIN LATERAL (
    SELECT array_agg(traded_at) AS moments, array_agg(id) AS ids,
           array_agg(CASE action WHEN 'BUY' THEN quantity ELSE -quantity END) AS units,
           array_agg(quantity * CAST(ROUND(price * 1000000) AS BIGINT)) AS amounts
    FROM (
        SELECT traded_at, id, action, quantity, price
        FROM /*book*/trades
        WHERE user_id = :user_id AND broker = item.place ->> 0 AND symbol = item.place ->> 1
          AND exchange = item.place ->> 2 AND product = item.place ->> 3
          AND action = item.place ->> 4 AND traded_at < :begin
        ORDER BY traded_at DESC, id DESC
        LIMIT :row_limit
    ) AS last
) AS lot;
