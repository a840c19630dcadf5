-- Positions. /*book*/ is nothing in the live book and sandbox_ in the paper-trading one.
-- Columns of a record stand in the order of the table.

-- name: add_to_position
-- uq_positions_user_id_broker_symbol_exchange_product decides between a new position, which is the
-- fill alone, and one that is there: then the two are added up (a trade that was told before adds
-- no units). The sums change by addition, all else follows from them, so any order of the fills of
-- a day ends alike. The first level adds, the second finds the average of the open side; where
-- nothing is matched and no price is known, the profit is 0 and not what is left of rounding.
-- Nothing comes back when the position is of another day, when it was adjusted since, and when a
-- sum has come near 64 bits. The first two are looked at before anything is locked: whoever tells
-- days again locks every product of the instrument in one order, and may hold none before.
INSERT INTO /*book*/positions AS p (
    user_id, broker, symbol, exchange, product, quantity, average_price, pnl, day_quantity,
    buy_quantity, buy_value, sell_quantity, sell_value, trading_day
)
SELECT :user_id, :broker, :symbol, :exchange, :product, :quantity,
       CAST(:buy_value + :sell_value AS DOUBLE PRECISION)
           / NULLIF(CAST(:buy_quantity + :sell_quantity AS DOUBLE PRECISION) * 1000000, 0),
       0, :quantity, :buy_quantity, :buy_value, :sell_quantity, :sell_value, :trading_day
WHERE NOT EXISTS (
    SELECT 1 FROM /*book*/positions AS known
    WHERE known.user_id = :user_id AND known.broker = :broker AND known.symbol = :symbol
      AND known.exchange = :exchange AND known.product = :product
      AND (known.trading_day <> :trading_day OR known.adjusted_at >= :since)
)
ON CONFLICT (user_id, broker, symbol, exchange, product) DO UPDATE SET (
    quantity, average_price, pnl, day_quantity, buy_quantity, buy_value, sell_quantity, sell_value
) = (
    SELECT priced.quantity, priced.average_price,
           CASE
               WHEN p.last_price IS NULL AND (priced.buy_quantity = 0 OR priced.sell_quantity = 0)
               THEN 0.0
               ELSE CAST(priced.sell_value - priced.buy_value AS DOUBLE PRECISION) / 1000000
                   + priced.quantity * COALESCE(p.last_price, priced.average_price)
           END,
           priced.quantity - p.overnight_quantity,
           priced.buy_quantity, priced.buy_value, priced.sell_quantity, priced.sell_value
    FROM (
        SELECT added.*, added.buy_quantity - added.sell_quantity AS quantity,
               CASE
                   WHEN added.buy_quantity > added.sell_quantity
                   THEN CAST(added.buy_value AS DOUBLE PRECISION)
                       / (CAST(added.buy_quantity AS DOUBLE PRECISION) * 1000000)
                   WHEN added.sell_quantity > added.buy_quantity
                   THEN CAST(added.sell_value AS DOUBLE PRECISION)
                       / (CAST(added.sell_quantity AS DOUBLE PRECISION) * 1000000)
                   ELSE 0.0
               END AS average_price
        FROM (
            SELECT p.buy_quantity + excluded.buy_quantity AS buy_quantity,
                   p.buy_value + excluded.buy_value AS buy_value,
                   p.sell_quantity + excluded.sell_quantity AS sell_quantity,
                   p.sell_value + excluded.sell_value AS sell_value
        ) AS added
    ) AS priced
)
WHERE p.trading_day = excluded.trading_day AND (p.adjusted_at IS NULL OR p.adjusted_at < :since)
  AND p.buy_quantity < :most AND p.sell_quantity < :most
  AND p.buy_value BETWEEN -:most AND :most AND p.sell_value BETWEEN -:most AND :most
RETURNING id, user_id, broker, symbol, exchange, product, quantity, average_price, last_price, pnl,
          day_quantity, overnight_quantity, buy_quantity, buy_value, sell_quantity, sell_value,
          trading_day, CAST(realized_value AS DOUBLE PRECISION) / 1000000 AS realized_pnl;

-- name: get_position
-- One probe of uq_positions_user_id_broker_symbol_exchange_product.
SELECT id, user_id, broker, symbol, exchange, product, quantity, average_price, last_price, pnl,
       day_quantity, overnight_quantity, buy_quantity, buy_value, sell_quantity, sell_value,
       trading_day, CAST(realized_value AS DOUBLE PRECISION) / 1000000 AS realized_pnl
FROM /*book*/positions
WHERE user_id = :user_id AND broker = :broker AND symbol = :symbol
  AND exchange = :exchange AND product = :product;

-- name: get_positions
-- A range of uq_positions_user_id_broker_symbol_exchange_product in its order, or sorted: a
-- user has a few.
SELECT id, user_id, broker, symbol, exchange, product, quantity, average_price, last_price, pnl,
       day_quantity, overnight_quantity, buy_quantity, buy_value, sell_quantity, sell_value,
       trading_day, CAST(realized_value AS DOUBLE PRECISION) / 1000000 AS realized_pnl,
       realized_value, realized_today
FROM /*book*/positions
WHERE user_id = :user_id
ORDER BY broker, symbol, exchange, product;

-- name: open_position
-- A position that is flat, for what is about to be moved into it;
-- uq_positions_user_id_broker_symbol_exchange_product decides whether it is there already.
INSERT INTO /*book*/positions (user_id, broker, symbol, exchange, product, average_price, pnl, trading_day)
VALUES (:user_id, :broker, :symbol, :exchange, :product, 0, 0, :trading_day)
ON CONFLICT (user_id, broker, symbol, exchange, product) DO NOTHING;

-- name: lock_positions_of_instrument @sqlite
-- A range of uq_positions_user_id_broker_symbol_exchange_product in its order; BEGIN IMMEDIATE has
-- locked the file already.
SELECT id, product, trading_day, last_price, priced_at, pnl, adjusted_at, overnight_quantity,
       buy_quantity, buy_value, sell_quantity, sell_value, realized_value, realized_today
FROM /*book*/positions
WHERE user_id = :user_id AND broker = :broker AND symbol = :symbol AND exchange = :exchange
ORDER BY product;

-- name: lock_positions_of_instrument @postgresql
-- A range of uq_positions_user_id_broker_symbol_exchange_product, sorted: all of them are locked, in
-- the order in which a report locks them, before anything that follows from them is read.
SELECT id, product, trading_day, last_price, priced_at, pnl, adjusted_at, overnight_quantity,
       buy_quantity, buy_value, sell_quantity, sell_value, realized_value, realized_today
FROM /*book*/positions
WHERE user_id = :user_id AND broker = :broker AND symbol = :symbol AND exchange = :exchange
ORDER BY product
FOR NO KEY UPDATE;

-- name: set_position
-- By pk_positions, under the lock: what is set follows from what was read.
UPDATE /*book*/positions SET
    quantity = :quantity, average_price = :average_price, last_price = :last_price, pnl = :pnl,
    day_quantity = :day_quantity, overnight_quantity = :overnight_quantity,
    buy_quantity = :buy_quantity, buy_value = :buy_value, sell_quantity = :sell_quantity,
    sell_value = :sell_value, realized_value = :realized_value, realized_today = :realized_today,
    trading_day = :trading_day, adjusted_at = :adjusted_at, priced_at = :priced_at
WHERE id = :id
RETURNING id, user_id, broker, symbol, exchange, product, quantity, average_price, last_price, pnl,
          day_quantity, overnight_quantity, buy_quantity, buy_value, sell_quantity, sell_value,
          trading_day, CAST(realized_value AS DOUBLE PRECISION) / 1000000 AS realized_pnl;

-- name: open_positions @sqlite
-- uq_positions_user_id_broker_symbol_exchange_product decides which of the rows are there already.
-- WHERE true tells ON CONFLICT from the ON of a join.
INSERT INTO /*book*/positions (user_id, broker, symbol, exchange, product, average_price, pnl, trading_day)
SELECT json_extract(item.value, '$[0]'), json_extract(item.value, '$[1]'),
       json_extract(item.value, '$[2]'), json_extract(item.value, '$[3]'),
       json_extract(item.value, '$[4]'), 0, 0, :trading_day
FROM json_each(:rows) AS item
WHERE true
ON CONFLICT (user_id, broker, symbol, exchange, product) DO NOTHING;

-- name: open_positions @postgresql
-- uq_positions_user_id_broker_symbol_exchange_product decides which of the rows are there already.
-- They come in the order of the key, so that two reports at once cannot wait for each other.
INSERT INTO /*book*/positions (user_id, broker, symbol, exchange, product, average_price, pnl, trading_day)
SELECT CAST(item ->> 0 AS BIGINT), item ->> 1, item ->> 2, item ->> 3, item ->> 4, 0, 0,
       :trading_day
FROM jsonb_array_elements(CAST(:rows AS JSONB)) AS item
ON CONFLICT (user_id, broker, symbol, exchange, product) DO NOTHING;

-- name: lock_positions @sqlite
-- uq_positions_user_id_broker_symbol_exchange_product for each row: CROSS JOIN keeps the rows outside,
-- and they are sorted as they came. json_extract, because ->> needs SQLite 3.38.
SELECT p.id, trading_day, adjusted_at, priced_at, overnight_quantity, buy_quantity, buy_value,
       sell_quantity, sell_value, realized_value, realized_today
FROM json_each(:rows) AS item
CROSS JOIN /*book*/positions AS p
  ON p.user_id = json_extract(item.value, '$[0]')
 AND p.broker = json_extract(item.value, '$[1]')
 AND p.symbol = json_extract(item.value, '$[2]')
 AND p.exchange = json_extract(item.value, '$[3]')
 AND p.product = json_extract(item.value, '$[4]')
ORDER BY item.key;

-- name: lock_positions @postgresql
-- uq_positions_user_id_broker_symbol_exchange_product for each row; sorted and locked in its order,
-- so that two reports at once cannot wait for each other.
SELECT p.id, trading_day, adjusted_at, priced_at, overnight_quantity, buy_quantity, buy_value,
       sell_quantity, sell_value, realized_value, realized_today
FROM jsonb_array_elements(CAST(:rows AS JSONB)) AS item
JOIN /*book*/positions AS p
  ON p.user_id = CAST(item ->> 0 AS BIGINT)
 AND p.broker = item ->> 1
 AND p.symbol = item ->> 2
 AND p.exchange = item ->> 3
 AND p.product = item ->> 4
ORDER BY p.user_id, p.broker, p.symbol, p.exchange, p.product
FOR NO KEY UPDATE OF p;

-- name: set_positions @sqlite
-- By pk_positions for each row: MATERIALIZED keeps the rows from being read again for each position
-- of the table. Amounts come in millionths; a price that is not told or not the newest, and a P&L
-- that is not told, is NULL. The average and the P&L follow from the sums, as in add_to_position.
WITH given AS MATERIALIZED (
    SELECT json_extract(item.value, '$[0]') AS id,
           json_extract(item.value, '$[1]') AS overnight_quantity,
           json_extract(item.value, '$[2]') AS buy_quantity,
           json_extract(item.value, '$[3]') AS buy_value,
           json_extract(item.value, '$[4]') AS sell_quantity,
           json_extract(item.value, '$[5]') AS sell_value,
           json_extract(item.value, '$[6]') AS realized_value,
           json_extract(item.value, '$[7]') AS realized_today,
           CAST(json_extract(item.value, '$[8]') AS DOUBLE PRECISION) / 1000000 AS last_price,
           CAST(json_extract(item.value, '$[9]') AS DOUBLE PRECISION) / 1000000 AS pnl,
           json_extract(item.value, '$[10]') AS is_corrected
    FROM json_each(:rows) AS item
), priced AS MATERIALIZED (
    SELECT given.*, given.buy_quantity - given.sell_quantity AS quantity,
           CASE
               WHEN given.buy_quantity > given.sell_quantity
               THEN CAST(given.buy_value AS DOUBLE PRECISION)
                   / (CAST(given.buy_quantity AS DOUBLE PRECISION) * 1000000)
               WHEN given.sell_quantity > given.buy_quantity
               THEN CAST(given.sell_value AS DOUBLE PRECISION)
                   / (CAST(given.sell_quantity AS DOUBLE PRECISION) * 1000000)
               ELSE 0.0
           END AS average_price
    FROM given
)
UPDATE /*book*/positions AS p SET
    quantity = priced.quantity,
    average_price = priced.average_price,
    last_price = COALESCE(priced.last_price, p.last_price),
    priced_at = CASE WHEN priced.last_price IS NULL THEN p.priced_at ELSE :reported_at END,
    pnl = CASE
        WHEN priced.pnl IS NOT NULL THEN priced.pnl
        WHEN COALESCE(priced.last_price, p.last_price) IS NULL
         AND (priced.buy_quantity = 0 OR priced.sell_quantity = 0)
        THEN 0.0
        ELSE CAST(priced.sell_value - priced.buy_value AS DOUBLE PRECISION) / 1000000
            + priced.quantity * COALESCE(priced.last_price, p.last_price, priced.average_price)
    END,
    day_quantity = priced.quantity - priced.overnight_quantity,
    overnight_quantity = priced.overnight_quantity,
    buy_quantity = priced.buy_quantity,
    buy_value = priced.buy_value,
    sell_quantity = priced.sell_quantity,
    sell_value = priced.sell_value,
    realized_value = priced.realized_value,
    realized_today = priced.realized_today,
    adjusted_at = CASE
        WHEN priced.is_corrected = 1 THEN :reported_at
        WHEN p.trading_day = :trading_day THEN p.adjusted_at
    END,
    trading_day = :trading_day
FROM priced
WHERE p.id = priced.id;

-- name: set_positions @postgresql
-- By pk_positions for each row, under the lock; as for SQLite.
WITH given AS (
    SELECT CAST(item ->> 0 AS BIGINT) AS id,
           CAST(item ->> 1 AS BIGINT) AS overnight_quantity,
           CAST(item ->> 2 AS BIGINT) AS buy_quantity,
           CAST(item ->> 3 AS BIGINT) AS buy_value,
           CAST(item ->> 4 AS BIGINT) AS sell_quantity,
           CAST(item ->> 5 AS BIGINT) AS sell_value,
           CAST(item ->> 6 AS BIGINT) AS realized_value,
           CAST(item ->> 7 AS BIGINT) AS realized_today,
           CAST(item ->> 8 AS DOUBLE PRECISION) / 1000000 AS last_price,
           CAST(item ->> 9 AS DOUBLE PRECISION) / 1000000 AS pnl,
           CAST(item ->> 10 AS BIGINT) AS is_corrected
    FROM jsonb_array_elements(CAST(:rows AS JSONB)) AS item
), priced AS (
    SELECT given.*, given.buy_quantity - given.sell_quantity AS quantity,
           CASE
               WHEN given.buy_quantity > given.sell_quantity
               THEN CAST(given.buy_value AS DOUBLE PRECISION)
                   / (CAST(given.buy_quantity AS DOUBLE PRECISION) * 1000000)
               WHEN given.sell_quantity > given.buy_quantity
               THEN CAST(given.sell_value AS DOUBLE PRECISION)
                   / (CAST(given.sell_quantity AS DOUBLE PRECISION) * 1000000)
               ELSE 0.0
           END AS average_price
    FROM given
)
UPDATE /*book*/positions AS p SET
    quantity = priced.quantity,
    average_price = priced.average_price,
    last_price = COALESCE(priced.last_price, p.last_price),
    priced_at = CASE WHEN priced.last_price IS NULL THEN p.priced_at ELSE :reported_at END,
    pnl = CASE
        WHEN priced.pnl IS NOT NULL THEN priced.pnl
        WHEN COALESCE(priced.last_price, p.last_price) IS NULL
         AND (priced.buy_quantity = 0 OR priced.sell_quantity = 0)
        THEN 0.0
        ELSE CAST(priced.sell_value - priced.buy_value AS DOUBLE PRECISION) / 1000000
            + priced.quantity * COALESCE(priced.last_price, p.last_price, priced.average_price)
    END,
    day_quantity = priced.quantity - priced.overnight_quantity,
    overnight_quantity = priced.overnight_quantity,
    buy_quantity = priced.buy_quantity,
    buy_value = priced.buy_value,
    sell_quantity = priced.sell_quantity,
    sell_value = priced.sell_value,
    realized_value = priced.realized_value,
    realized_today = priced.realized_today,
    adjusted_at = CASE
        WHEN priced.is_corrected = 1 THEN :reported_at
        WHEN p.trading_day = :trading_day THEN p.adjusted_at
    END,
    trading_day = :trading_day
FROM priced
WHERE p.id = priced.id;

-- name: price_positions @sqlite
-- By pk_positions for each row, as set_positions, of positions whose sums stay.
WITH priced AS MATERIALIZED (
    SELECT json_extract(item.value, '$[0]') AS id,
           CAST(json_extract(item.value, '$[1]') AS DOUBLE PRECISION) / 1000000 AS last_price,
           CAST(json_extract(item.value, '$[2]') AS DOUBLE PRECISION) / 1000000 AS pnl
    FROM json_each(:rows) AS item
)
UPDATE /*book*/positions AS p SET
    last_price = COALESCE(priced.last_price, p.last_price),
    priced_at = CASE WHEN priced.last_price IS NULL THEN p.priced_at ELSE :reported_at END,
    pnl = CASE
        WHEN priced.pnl IS NOT NULL THEN priced.pnl
        WHEN COALESCE(priced.last_price, p.last_price) IS NULL
         AND (p.buy_quantity = 0 OR p.sell_quantity = 0)
        THEN 0.0
        ELSE CAST(p.sell_value - p.buy_value AS DOUBLE PRECISION) / 1000000
            + p.quantity * COALESCE(priced.last_price, p.last_price, p.average_price)
    END
FROM priced
WHERE p.id = priced.id;

-- name: price_positions @postgresql
-- By pk_positions for each row, under the lock; as for SQLite.
WITH priced AS (
    SELECT CAST(item ->> 0 AS BIGINT) AS id,
           CAST(item ->> 1 AS DOUBLE PRECISION) / 1000000 AS last_price,
           CAST(item ->> 2 AS DOUBLE PRECISION) / 1000000 AS pnl
    FROM jsonb_array_elements(CAST(:rows AS JSONB)) AS item
)
UPDATE /*book*/positions AS p SET
    last_price = COALESCE(priced.last_price, p.last_price),
    priced_at = CASE WHEN priced.last_price IS NULL THEN p.priced_at ELSE :reported_at END,
    pnl = CASE
        WHEN priced.pnl IS NOT NULL THEN priced.pnl
        WHEN COALESCE(priced.last_price, p.last_price) IS NULL
         AND (p.buy_quantity = 0 OR p.sell_quantity = 0)
        THEN 0.0
        ELSE CAST(p.sell_value - p.buy_value AS DOUBLE PRECISION) / 1000000
            + p.quantity * COALESCE(priced.last_price, p.last_price, p.average_price)
    END
FROM priced
WHERE p.id = priced.id;
