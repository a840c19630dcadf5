-- Orders. /*book*/ is nothing in the live book and sandbox_ in the paper-trading one.
-- Columns of a record stand in the order of the table.

-- name: get_order
-- One probe of uq_orders_order_id.
SELECT id, order_id, user_id, broker, symbol, exchange, action, quantity, price, trigger_price,
       order_type, product, status, fill_price, fill_quantity, placed_at, updated_at
FROM /*book*/orders
WHERE order_id = :order_id;

-- name: lock_order @sqlite
-- One probe of uq_orders_order_id; BEGIN IMMEDIATE has locked the file already.
SELECT id, order_id, user_id, broker, symbol, exchange, action, quantity, price, trigger_price,
       order_type, product, status, fill_price, fill_quantity, placed_at, updated_at
FROM /*book*/orders
WHERE order_id = :order_id;

-- name: lock_order @postgresql
-- One probe of uq_orders_order_id. Whoever changes an order locks it first: what is read here
-- stays true until the end of the transaction. NO KEY: trades that refer to it need not wait.
SELECT id, order_id, user_id, broker, symbol, exchange, action, quantity, price, trigger_price,
       order_type, product, status, fill_price, fill_quantity, placed_at, updated_at
FROM /*book*/orders
WHERE order_id = :order_id
FOR NO KEY UPDATE;

-- name: set_order_status
-- By pk_orders, under the lock.
UPDATE /*book*/orders SET status = :status, updated_at = :updated_at
WHERE id = :id
RETURNING id, order_id, user_id, broker, symbol, exchange, action, quantity, price, trigger_price,
          order_type, product, status, fill_price, fill_quantity, placed_at, updated_at;

-- name: add_fill_to_order
-- By pk_orders, under the lock. The average price follows from whole sums, so that the order in
-- which fills arrive does not change it. A terminal status stays. Nothing comes back when the sum
-- has come near 64 bits.
UPDATE /*book*/orders SET
    fill_quantity = fill_quantity + :quantity,
    fill_value = fill_value + :value,
    fill_price = CAST(fill_value + :value AS DOUBLE PRECISION)
        / (CAST(fill_quantity + :quantity AS DOUBLE PRECISION) * 1000000),
    status = CASE
        WHEN status NOT IN ('TRIGGER_PENDING', 'OPEN') THEN status
        WHEN fill_quantity + :quantity = quantity THEN 'COMPLETE'
        ELSE 'OPEN'
    END,
    updated_at = :updated_at
WHERE id = :id AND fill_value BETWEEN -:most AND :most
RETURNING id, order_id, user_id, broker, symbol, exchange, action, quantity, price, trigger_price,
          order_type, product, status, fill_price, fill_quantity, placed_at, updated_at;

-- name: get_open_orders @sqlite
-- Two ranges of ix_orders_user_status; the few that are found are sorted. Without the + SQLite
-- would read all the orders of the user in their order, to sort none.
SELECT id, order_id, user_id, broker, symbol, exchange, action, quantity, price, trigger_price,
       order_type, product, status, fill_price, fill_quantity, placed_at, updated_at
FROM /*book*/orders
WHERE user_id = :user_id AND status IN ('TRIGGER_PENDING', 'OPEN')
ORDER BY +placed_at DESC, +id DESC;

-- name: get_open_orders @postgresql
-- A range of ix_orders_user_status; the few that are found are sorted.
SELECT id, order_id, user_id, broker, symbol, exchange, action, quantity, price, trigger_price,
       order_type, product, status, fill_price, fill_quantity, placed_at, updated_at
FROM /*book*/orders
WHERE user_id = :user_id AND status IN ('TRIGGER_PENDING', 'OPEN')
ORDER BY placed_at DESC, id DESC;
