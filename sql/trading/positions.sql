-- Positions. /*book*/ is nothing in the live book and sandbox_ in the paper-trading one.
-- Columns of a record stand in the order of the table.

-- name: add_to_position
-- uq_positions_user_id_broker_symbol_exchange_product decides between a new position, which is the
-- fill alone, and one that is there: then the two are added up. The sums change by addition, all else follows from them, so any order
-- of the same fills ends alike. The first level adds, the second finds the average of the open
-- side, the third what depends on it. day_quantity counts the newest day that traded. Nothing
-- comes back when a sum has come near 64 bits.
INSERT INTO /*book*/positions AS p (
    user_id, broker, symbol, exchange, product, quantity, average_price, pnl, day_quantity,
    buy_quantity, buy_value, sell_quantity, sell_value, trading_day
) VALUES (
    :user_id, :broker, :symbol, :exchange, :product, :quantity,
    CAST(:buy_value + :sell_value AS DOUBLE PRECISION)
        / (CAST(:buy_quantity + :sell_quantity AS DOUBLE PRECISION) * 1000000),
    0, :quantity, :buy_quantity, :buy_value, :sell_quantity, :sell_value, :trading_day
)
ON CONFLICT (user_id, broker, symbol, exchange, product) DO UPDATE SET (
    quantity, average_price, pnl, day_quantity, overnight_quantity,
    buy_quantity, buy_value, sell_quantity, sell_value, trading_day
) = (
    SELECT priced.quantity, priced.average_price,
           CAST(priced.sell_value - priced.buy_value AS DOUBLE PRECISION) / 1000000
               + priced.quantity * COALESCE(p.last_price, priced.average_price),
           priced.day_quantity, priced.quantity - priced.day_quantity,
           priced.buy_quantity, priced.buy_value, priced.sell_quantity, priced.sell_value,
           priced.trading_day
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
                   p.sell_value + excluded.sell_value AS sell_value,
                   CASE
                       WHEN p.trading_day > excluded.trading_day THEN p.day_quantity
                       WHEN p.trading_day = excluded.trading_day
                       THEN p.day_quantity + excluded.day_quantity
                       ELSE excluded.day_quantity
                   END AS day_quantity,
                   CASE
                       WHEN p.trading_day > excluded.trading_day THEN p.trading_day
                       ELSE excluded.trading_day
                   END AS trading_day
        ) AS added
    ) AS priced
)
WHERE p.buy_quantity < :most AND p.sell_quantity < :most
  AND p.buy_value BETWEEN -:most AND :most AND p.sell_value BETWEEN -:most AND :most
RETURNING id, user_id, broker, symbol, exchange, product, quantity, average_price, last_price,
          pnl, day_quantity, overnight_quantity, buy_quantity, buy_value, sell_quantity,
          sell_value, trading_day;

-- name: get_position
-- One probe of uq_positions_user_id_broker_symbol_exchange_product.
SELECT id, user_id, broker, symbol, exchange, product, quantity, average_price, last_price,
       pnl, day_quantity, overnight_quantity, buy_quantity, buy_value, sell_quantity,
       sell_value, trading_day
FROM /*book*/positions
WHERE user_id = :user_id AND broker = :broker AND symbol = :symbol
  AND exchange = :exchange AND product = :product;

-- name: get_positions
-- A range of uq_positions_user_id_broker_symbol_exchange_product in its order, or sorted: a
-- user has a few. What an earlier day added is carried overnight.
SELECT id, user_id, broker, symbol, exchange, product, quantity, average_price, last_price, pnl,
       CASE WHEN trading_day < :day THEN 0 ELSE day_quantity END AS day_quantity,
       CASE WHEN trading_day < :day THEN quantity ELSE overnight_quantity END AS overnight_quantity,
       buy_quantity, buy_value, sell_quantity, sell_value, trading_day
FROM /*book*/positions
WHERE user_id = :user_id
ORDER BY broker, symbol, exchange, product;

-- name: update_positions @sqlite
-- uq_positions_user_id_broker_symbol_exchange_product for each row: CROSS JOIN keeps the rows
-- outside, and MATERIALIZED from being read again for each position of the table. json_extract,
-- because ->> needs SQLite 3.38. Amounts come in millionths. The P&L follows from the fills only
-- while the quantity is theirs; of day and overnight quantity the one that is not given follows
-- from the other.
WITH given AS MATERIALIZED (
    SELECT p.id, json_extract(item.value, '$[5]') AS quantity,
           CAST(json_extract(item.value, '$[6]') AS DOUBLE PRECISION) / 1000000 AS average_price,
           CAST(json_extract(item.value, '$[7]') AS DOUBLE PRECISION) / 1000000 AS last_price,
           CAST(json_extract(item.value, '$[8]') AS DOUBLE PRECISION) / 1000000 AS pnl,
           json_extract(item.value, '$[9]') AS day_quantity,
           json_extract(item.value, '$[10]') AS overnight_quantity
    FROM json_each(:rows) AS item
    CROSS JOIN /*book*/positions AS p
      ON p.user_id = json_extract(item.value, '$[0]')
     AND p.broker = json_extract(item.value, '$[1]')
     AND p.symbol = json_extract(item.value, '$[2]')
     AND p.exchange = json_extract(item.value, '$[3]')
     AND p.product = json_extract(item.value, '$[4]')
)
UPDATE /*book*/positions AS p SET
    quantity = COALESCE(given.quantity, p.quantity),
    average_price = COALESCE(given.average_price, p.average_price),
    last_price = COALESCE(given.last_price, p.last_price),
    pnl = CASE
        WHEN given.pnl IS NOT NULL THEN given.pnl
        WHEN COALESCE(given.quantity, p.quantity) <> p.buy_quantity - p.sell_quantity THEN p.pnl
        ELSE CAST(p.sell_value - p.buy_value AS DOUBLE PRECISION) / 1000000
            + COALESCE(given.quantity, p.quantity)
            * COALESCE(given.last_price, p.last_price, given.average_price, p.average_price)
    END,
    day_quantity = COALESCE(
        given.day_quantity,
        COALESCE(given.quantity, p.quantity) - given.overnight_quantity,
        p.day_quantity
    ),
    overnight_quantity = COALESCE(
        given.overnight_quantity,
        COALESCE(given.quantity, p.quantity) - given.day_quantity,
        p.overnight_quantity
    ),
    trading_day = CASE
        WHEN COALESCE(given.day_quantity, given.overnight_quantity) IS NULL THEN p.trading_day
        ELSE :trading_day
    END
FROM given
WHERE p.id = given.id
RETURNING user_id, broker, symbol, exchange, product;

-- name: update_positions @postgresql
-- uq_positions_user_id_broker_symbol_exchange_product for each row. The rows are sorted and locked
-- in the order of the key before any is changed, so that two reports at once cannot wait for each
-- other.
WITH given AS (
    SELECT p.id, CAST(item ->> 5 AS BIGINT) AS quantity,
           CAST(item ->> 6 AS DOUBLE PRECISION) / 1000000 AS average_price,
           CAST(item ->> 7 AS DOUBLE PRECISION) / 1000000 AS last_price,
           CAST(item ->> 8 AS DOUBLE PRECISION) / 1000000 AS pnl,
           CAST(item ->> 9 AS BIGINT) AS day_quantity,
           CAST(item ->> 10 AS BIGINT) AS overnight_quantity
    FROM json_array_elements(:rows) AS item
    JOIN /*book*/positions AS p
      ON p.user_id = CAST(item ->> 0 AS BIGINT)
     AND p.broker = item ->> 1
     AND p.symbol = item ->> 2
     AND p.exchange = item ->> 3
     AND p.product = item ->> 4
    ORDER BY p.user_id, p.broker, p.symbol, p.exchange, p.product
    FOR NO KEY UPDATE OF p
)
UPDATE /*book*/positions AS p SET
    quantity = COALESCE(given.quantity, p.quantity),
    average_price = COALESCE(given.average_price, p.average_price),
    last_price = COALESCE(given.last_price, p.last_price),
    pnl = CASE
        WHEN given.pnl IS NOT NULL THEN given.pnl
        WHEN COALESCE(given.quantity, p.quantity) <> p.buy_quantity - p.sell_quantity THEN p.pnl
        ELSE CAST(p.sell_value - p.buy_value AS DOUBLE PRECISION) / 1000000
            + COALESCE(given.quantity, p.quantity)
            * COALESCE(given.last_price, p.last_price, given.average_price, p.average_price)
    END,
    day_quantity = COALESCE(
        given.day_quantity,
        COALESCE(given.quantity, p.quantity) - given.overnight_quantity,
        p.day_quantity
    ),
    overnight_quantity = COALESCE(
        given.overnight_quantity,
        COALESCE(given.quantity, p.quantity) - given.day_quantity,
        p.overnight_quantity
    ),
    trading_day = CASE
        WHEN COALESCE(given.day_quantity, given.overnight_quantity) IS NULL THEN p.trading_day
        ELSE :trading_day
    END
FROM given
WHERE p.id = given.id
RETURNING p.user_id, p.broker, p.symbol, p.exchange, p.product;
