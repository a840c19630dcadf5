-- What changed positions and was no trade. /*book*/ is nothing in the live book and sandbox_ in the
-- paper-trading one. Columns of a record stand in the order of the table.

-- name: add_position_adjustment
-- Nothing is looked for.
INSERT INTO /*book*/position_adjustments (
    user_id, broker, symbol, exchange, product, kind, adjusted_at, quantity, average_price,
    overnight_quantity, to_product, reason
) VALUES (
    :user_id, :broker, :symbol, :exchange, :product, :kind, :adjusted_at, :quantity,
    :average_price, :overnight_quantity, :to_product, :reason
)
RETURNING id, user_id, broker, symbol, exchange, product, kind, adjusted_at, quantity,
          average_price, overnight_quantity, to_product, reason, quantity_before, average_before;

-- name: add_position_corrections @sqlite
-- The reports that were not what the books had; amounts come in millionths.
INSERT INTO /*book*/position_adjustments (
    user_id, broker, symbol, exchange, product, kind, adjusted_at, quantity, average_price,
    overnight_quantity, quantity_before, average_before
)
SELECT json_extract(item.value, '$[0]'), json_extract(item.value, '$[1]'),
       json_extract(item.value, '$[2]'), json_extract(item.value, '$[3]'),
       json_extract(item.value, '$[4]'), 'REPORT', :adjusted_at,
       json_extract(item.value, '$[5]'),
       CAST(json_extract(item.value, '$[6]') AS DOUBLE PRECISION) / 1000000,
       json_extract(item.value, '$[7]'), json_extract(item.value, '$[8]'),
       CAST(json_extract(item.value, '$[9]') AS DOUBLE PRECISION) / 1000000
FROM json_each(:rows) AS item
RETURNING id, user_id, broker, symbol, exchange, product, kind, adjusted_at, quantity,
          average_price, overnight_quantity, to_product, reason, quantity_before, average_before;

-- name: add_position_corrections @postgresql
-- The reports that were not what the books had; amounts come in millionths.
INSERT INTO /*book*/position_adjustments (
    user_id, broker, symbol, exchange, product, kind, adjusted_at, quantity, average_price,
    overnight_quantity, quantity_before, average_before
)
SELECT CAST(item ->> 0 AS BIGINT), item ->> 1, item ->> 2, item ->> 3, item ->> 4, 'REPORT',
       :adjusted_at, CAST(item ->> 5 AS BIGINT), CAST(item ->> 6 AS DOUBLE PRECISION) / 1000000,
       CAST(item ->> 7 AS BIGINT), CAST(item ->> 8 AS BIGINT),
       CAST(item ->> 9 AS DOUBLE PRECISION) / 1000000
FROM jsonb_array_elements(CAST(:rows AS JSONB)) AS item
RETURNING id, user_id, broker, symbol, exchange, product, kind, adjusted_at, quantity,
          average_price, overnight_quantity, to_product, reason, quantity_before, average_before;

-- name: get_adjustments_of_instrument
-- A range of ix_position_adjustments_instrument.
SELECT id, user_id, broker, symbol, exchange, product, kind, adjusted_at, quantity,
       average_price, overnight_quantity, to_product, reason, quantity_before, average_before
FROM /*book*/position_adjustments
WHERE user_id = :user_id AND broker = :broker AND symbol = :symbol AND exchange = :exchange
  AND adjusted_at >= :begin;

-- name: set_found_position
-- By pk_position_adjustments: what an adjustment found when all that came before it is known, and of
-- a conversion which side it was.
UPDATE /*book*/position_adjustments
SET quantity = :quantity, quantity_before = :quantity_before, average_before = :average_before
WHERE id = :id;

-- name: get_position_adjustments
-- A range of ix_position_adjustments_instrument, sorted: there are few.
SELECT id, user_id, broker, symbol, exchange, product, kind, adjusted_at, quantity,
       average_price, overnight_quantity, to_product, reason, quantity_before, average_before
FROM /*book*/position_adjustments
WHERE user_id = :user_id AND adjusted_at >= :begin AND adjusted_at < :end
ORDER BY adjusted_at, id;

-- name: get_adjustments_until
-- A range of ix_position_adjustments_instrument, sorted: there are few.
SELECT id, user_id, broker, symbol, exchange, product, kind, adjusted_at, quantity,
       average_price, overnight_quantity, to_product, reason, quantity_before, average_before
FROM /*book*/position_adjustments
WHERE user_id = :user_id AND adjusted_at < :end
ORDER BY adjusted_at, id;

-- name: drop_position_adjustment
-- By pk_position_adjustments: a report that turned out to tell what the books had.
DELETE FROM /*book*/position_adjustments WHERE id = :id;
