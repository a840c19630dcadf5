-- Orders. /*book*/ is nothing in the live book and sandbox_ in the paper-trading one.
-- Columns of a record stand in the order of the table.

-- name: get_order
-- A range of uq_orders_order_id_broker: an order id is of one broker, seldom of two.
SELECT id, order_id, user_id, broker, symbol, exchange, action, quantity, price, trigger_price,
       order_type, product, status, fill_price, fill_quantity, placed_at, updated_at, strategy,
       exchange_order_id, status_message
FROM /*book*/orders
WHERE order_id = :order_id AND broker = COALESCE(:broker, broker);

-- name: lock_order @sqlite
-- A range of uq_orders_order_id_broker; BEGIN IMMEDIATE has locked the file already.
SELECT id, order_id, user_id, broker, symbol, exchange, action, quantity, price, trigger_price,
       order_type, product, status, fill_price, fill_quantity, placed_at, updated_at, strategy,
       exchange_order_id, status_message, booked_quantity, booked_value, reported_quantity,
       reported_value, reported_fill_at, reported_at, reported_points
FROM /*book*/orders
WHERE order_id = :order_id AND broker = COALESCE(:broker, broker);

-- name: lock_order @postgresql
-- A range of uq_orders_order_id_broker. Whoever changes an order locks it first: what is read here
-- stays true until the end of the transaction. NO KEY: trades that refer to it need not wait.
SELECT id, order_id, user_id, broker, symbol, exchange, action, quantity, price, trigger_price,
       order_type, product, status, fill_price, fill_quantity, placed_at, updated_at, strategy,
       exchange_order_id, status_message, booked_quantity, booked_value, reported_quantity,
       reported_value, reported_fill_at, reported_at, reported_points
FROM /*book*/orders
WHERE order_id = :order_id AND broker = COALESCE(:broker, broker)
FOR NO KEY UPDATE;

-- name: add_reported_order
-- An order that was placed elsewhere, of any user: a report is of what has been. Nothing comes back
-- when it is there already, by uq_orders_order_id_broker.
INSERT INTO /*book*/orders (
    order_id, user_id, broker, symbol, exchange, action, quantity, price, trigger_price,
    order_type, product, status, placed_at, strategy, exchange_order_id, status_message
) VALUES (
    :order_id, :user_id, :broker, :symbol, :exchange, :action, :quantity, :price, :trigger_price,
    :order_type, :product, :status, :placed_at, :strategy, :exchange_order_id, :status_message
)
ON CONFLICT (order_id, broker) DO NOTHING;

-- name: set_order_fills
-- By pk_orders, under the lock, so that what is set follows from what was read.
UPDATE /*book*/orders SET
    fill_quantity = :fill_quantity, fill_value = :fill_value, fill_price = :fill_price,
    booked_quantity = :booked_quantity, booked_value = :booked_value, status = :status,
    updated_at = :updated_at
WHERE id = :id;

-- name: get_open_orders @sqlite
-- Two ranges of ix_orders_user_status; the few that are found are sorted. Without the + SQLite
-- would read all the orders of the user in their order, to sort none.
SELECT id, order_id, user_id, broker, symbol, exchange, action, quantity, price, trigger_price,
       order_type, product, status, fill_price, fill_quantity, placed_at, updated_at, strategy,
       exchange_order_id, status_message
FROM /*book*/orders
WHERE user_id = :user_id AND status IN ('TRIGGER_PENDING', 'OPEN')
ORDER BY +placed_at DESC, +id DESC;

-- name: get_open_orders @postgresql
-- A range of ix_orders_user_status; the few that are found are sorted.
SELECT id, order_id, user_id, broker, symbol, exchange, action, quantity, price, trigger_price,
       order_type, product, status, fill_price, fill_quantity, placed_at, updated_at, strategy,
       exchange_order_id, status_message
FROM /*book*/orders
WHERE user_id = :user_id AND status IN ('TRIGGER_PENDING', 'OPEN')
ORDER BY placed_at DESC, id DESC;
