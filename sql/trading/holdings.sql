-- Holdings. /*book*/ is nothing in the live book and sandbox_ in the paper-trading one.
-- Columns of a record stand in the order of the table.

-- name: get_holdings
-- A range of uq_holdings_user_id_broker_symbol_exchange in its order, or sorted: a user has a
-- few.
SELECT id, user_id, broker, symbol, exchange, isin, quantity, average_price, last_price, pnl,
       pnl_percent
FROM /*book*/holdings
WHERE user_id = :user_id
ORDER BY broker, symbol, exchange;

-- name: open_holdings @sqlite
-- uq_holdings_user_id_broker_symbol_exchange decides which of the rows are there already. WHERE
-- true tells ON CONFLICT from the ON of a join.
INSERT INTO /*book*/holdings (user_id, broker, symbol, exchange)
SELECT json_extract(item.value, '$[0]'), json_extract(item.value, '$[1]'),
       json_extract(item.value, '$[2]'), json_extract(item.value, '$[3]')
FROM json_each(:rows) AS item
WHERE true
ON CONFLICT (user_id, broker, symbol, exchange) DO NOTHING;

-- name: open_holdings @postgresql
-- uq_holdings_user_id_broker_symbol_exchange decides which of the rows are there already. They come
-- in the order of the key, so that two reports at once cannot wait for each other.
INSERT INTO /*book*/holdings (user_id, broker, symbol, exchange)
SELECT CAST(item ->> 0 AS BIGINT), item ->> 1, item ->> 2, item ->> 3
FROM jsonb_array_elements(CAST(:rows AS JSONB)) AS item
ON CONFLICT (user_id, broker, symbol, exchange) DO NOTHING;

-- name: update_holdings @sqlite
-- uq_holdings_user_id_broker_symbol_exchange for each row, as in update_positions. Amounts come in
-- millionths.
WITH given AS MATERIALIZED (
    SELECT h.id, json_extract(item.value, '$[4]') AS isin,
           COALESCE(json_extract(item.value, '$[5]'), h.quantity) AS quantity,
           COALESCE(
               CAST(json_extract(item.value, '$[6]') AS DOUBLE PRECISION) / 1000000,
               h.average_price
           ) AS average_price,
           COALESCE(
               CAST(json_extract(item.value, '$[7]') AS DOUBLE PRECISION) / 1000000, h.last_price
           ) AS last_price,
           CAST(json_extract(item.value, '$[8]') AS DOUBLE PRECISION) / 1000000 AS pnl,
           CAST(json_extract(item.value, '$[9]') AS DOUBLE PRECISION) / 1000000 AS pnl_percent
    FROM json_each(:rows) AS item
    CROSS JOIN /*book*/holdings AS h
      ON h.user_id = json_extract(item.value, '$[0]')
     AND h.broker = json_extract(item.value, '$[1]')
     AND h.symbol = json_extract(item.value, '$[2]')
     AND h.exchange = json_extract(item.value, '$[3]')
)
UPDATE /*book*/holdings AS h SET
    isin = COALESCE(given.isin, h.isin),
    quantity = given.quantity,
    average_price = given.average_price,
    last_price = given.last_price,
    pnl = COALESCE(given.pnl, given.quantity * (given.last_price - given.average_price), h.pnl),
    pnl_percent = COALESCE(
        given.pnl_percent,
        (given.last_price - given.average_price) * 100 / NULLIF(given.average_price, 0),
        h.pnl_percent
    )
FROM given
WHERE h.id = given.id;

-- name: update_holdings @postgresql
-- uq_holdings_user_id_broker_symbol_exchange for each row; sorted and locked in its order, as in
-- update_positions.
WITH given AS (
    SELECT h.id, item ->> 4 AS isin,
           COALESCE(CAST(item ->> 5 AS BIGINT), h.quantity) AS quantity,
           COALESCE(CAST(item ->> 6 AS DOUBLE PRECISION) / 1000000, h.average_price)
               AS average_price,
           COALESCE(CAST(item ->> 7 AS DOUBLE PRECISION) / 1000000, h.last_price) AS last_price,
           CAST(item ->> 8 AS DOUBLE PRECISION) / 1000000 AS pnl,
           CAST(item ->> 9 AS DOUBLE PRECISION) / 1000000 AS pnl_percent
    FROM jsonb_array_elements(CAST(:rows AS JSONB)) AS item
    JOIN /*book*/holdings AS h
      ON h.user_id = CAST(item ->> 0 AS BIGINT)
     AND h.broker = item ->> 1
     AND h.symbol = item ->> 2
     AND h.exchange = item ->> 3
    ORDER BY h.user_id, h.broker, h.symbol, h.exchange
    FOR NO KEY UPDATE OF h
)
UPDATE /*book*/holdings AS h SET
    isin = COALESCE(given.isin, h.isin),
    quantity = given.quantity,
    average_price = given.average_price,
    last_price = given.last_price,
    pnl = COALESCE(given.pnl, given.quantity * (given.last_price - given.average_price), h.pnl),
    pnl_percent = COALESCE(
        given.pnl_percent,
        (given.last_price - given.average_price) * 100 / NULLIF(given.average_price, 0),
        h.pnl_percent
    )
FROM given
WHERE h.id = given.id;

-- name: lock_holdings @sqlite
-- A range of uq_holdings_user_id_broker_symbol_exchange; BEGIN IMMEDIATE has locked the file already.
SELECT id
FROM /*book*/holdings
WHERE user_id = :user_id AND broker = :broker
ORDER BY symbol, exchange;

-- name: lock_holdings @postgresql
-- A range of uq_holdings_user_id_broker_symbol_exchange, sorted: in the order in which an update
-- locks them.
SELECT id
FROM /*book*/holdings
WHERE user_id = :user_id AND broker = :broker
ORDER BY symbol, exchange
FOR UPDATE;

-- name: drop_holdings @sqlite
-- A range of uq_holdings_user_id_broker_symbol_exchange: what is not among the kept ones.
DELETE FROM /*book*/holdings
WHERE user_id = :user_id AND broker = :broker AND (symbol, exchange) NOT IN (
    SELECT json_extract(item.value, '$[0]'), json_extract(item.value, '$[1]')
    FROM json_each(:kept) AS item
);

-- name: drop_holdings @postgresql
-- A range of uq_holdings_user_id_broker_symbol_exchange: what is not among the kept ones.
DELETE FROM /*book*/holdings
WHERE user_id = :user_id AND broker = :broker AND (symbol, exchange) NOT IN (
    SELECT item ->> 0, item ->> 1 FROM jsonb_array_elements(CAST(:kept AS JSONB)) AS item
);
