-- Back to one sum for ever; fails where two brokers have an order of the same number.

-- All that was traded, as one sum: that of the last day and those of the days before it without
-- what each of them carried on. What is left is what adjustments have closed.
CREATE TABLE position_sums AS
WITH closed AS (
    SELECT d.*, CASE
               WHEN buy_quantity > sell_quantity THEN
               buy_value / buy_quantity * (buy_quantity - sell_quantity)
                      + (2 * (buy_value - buy_value / buy_quantity * buy_quantity)
                         * (buy_quantity - sell_quantity) + buy_quantity)
                      / (2 * buy_quantity)
               WHEN sell_quantity > buy_quantity THEN
               sell_value / sell_quantity * (sell_quantity - buy_quantity)
                      + (2 * (sell_value - sell_value / sell_quantity * sell_quantity)
                         * (sell_quantity - buy_quantity) + sell_quantity)
                      / (2 * sell_quantity)
               ELSE 0
           END AS value
    FROM position_days AS d
), own AS (
    SELECT user_id, broker, symbol, exchange, product,
           CAST(SUM(CASE WHEN buy_quantity > sell_quantity THEN sell_quantity ELSE buy_quantity END)
               AS BIGINT) AS quantity,
           CAST(SUM(buy_value - CASE WHEN buy_quantity > sell_quantity THEN value ELSE 0 END)
               AS BIGINT) AS buy_value,
           CAST(SUM(sell_value - CASE WHEN sell_quantity > buy_quantity THEN value ELSE 0 END)
               AS BIGINT) AS sell_value
    FROM closed
    GROUP BY user_id, broker, symbol, exchange, product
)
SELECT p.id AS position_id, p.buy_quantity + COALESCE(own.quantity, 0) AS buy_quantity,
       p.sell_quantity + COALESCE(own.quantity, 0) AS sell_quantity,
       p.buy_value + COALESCE(own.buy_value, 0) AS buy_value,
       p.sell_value + COALESCE(own.sell_value, 0) AS sell_value,
       p.realized_value - COALESCE(own.sell_value - own.buy_value, 0) AS rest
FROM positions AS p
LEFT JOIN own ON own.user_id = p.user_id AND own.broker = p.broker AND own.symbol = p.symbol
     AND own.exchange = p.exchange AND own.product = p.product;

UPDATE positions AS p SET
    buy_quantity = s.buy_quantity,
    buy_value = s.buy_value - CASE WHEN p.quantity < 0 THEN s.rest ELSE 0 END,
    sell_quantity = s.sell_quantity,
    sell_value = s.sell_value + CASE WHEN p.quantity < 0 THEN 0 ELSE s.rest END,
    average_price = CASE
        WHEN p.quantity > 0
        THEN CAST(s.buy_value AS DOUBLE PRECISION)
            / (CAST(s.buy_quantity AS DOUBLE PRECISION) * 1000000)
        WHEN p.quantity < 0
        THEN CAST(s.sell_value AS DOUBLE PRECISION)
            / (CAST(s.sell_quantity AS DOUBLE PRECISION) * 1000000)
        ELSE 0
    END,
    pnl = p.pnl + CAST(p.realized_value AS DOUBLE PRECISION) / 1000000
FROM position_sums AS s
WHERE s.position_id = p.id;
DROP TABLE position_sums;

-- Words that the version before does not know.
UPDATE orders SET status = 'CANCELLED' WHERE status = 'EXPIRED';
UPDATE orders SET product = 'NRML' WHERE product = 'MTF';
UPDATE trades SET product = 'NRML' WHERE product = 'MTF';
UPDATE positions SET product = 'NRML' WHERE product = 'MTF';

ALTER TABLE orders DROP CONSTRAINT ck_orders_product,
    ADD CONSTRAINT ck_orders_product CHECK (
        product IN ('CNC', 'MIS', 'NRML')
    );
ALTER TABLE orders DROP CONSTRAINT ck_orders_status,
    ADD CONSTRAINT ck_orders_status CHECK (
        status IN ('TRIGGER_PENDING', 'OPEN', 'COMPLETE', 'CANCELLED', 'REJECTED')
    );
ALTER TABLE trades DROP CONSTRAINT ck_trades_product,
    ADD CONSTRAINT ck_trades_product CHECK (
        product IN ('CNC', 'MIS', 'NRML')
    );
ALTER TABLE positions DROP CONSTRAINT ck_positions_product,
    ADD CONSTRAINT ck_positions_product CHECK (
        product IN ('CNC', 'MIS', 'NRML')
    );

DROP INDEX ix_trades_position;
ALTER TABLE trades DROP CONSTRAINT fk_trades_order_id_broker;
ALTER TABLE trades DROP CONSTRAINT uq_trades_order_id_broker_trade_id,
    ADD CONSTRAINT uq_trades_order_id_trade_id UNIQUE (order_id, trade_id),
    DROP COLUMN is_fill;
ALTER TABLE orders DROP CONSTRAINT uq_orders_order_id_broker,
    ADD CONSTRAINT uq_orders_order_id UNIQUE (order_id);
ALTER TABLE trades ADD CONSTRAINT fk_trades_order_id
    FOREIGN KEY (order_id) REFERENCES orders (order_id);
DROP INDEX ix_orders_reported;
ALTER TABLE orders
    DROP COLUMN strategy,
    DROP COLUMN exchange_order_id,
    DROP COLUMN status_message,
    DROP COLUMN booked_quantity,
    DROP COLUMN booked_value,
    DROP COLUMN reported_quantity,
    DROP COLUMN reported_value,
    DROP COLUMN reported_fill_at,
    DROP COLUMN reported_at,
    DROP COLUMN reported_points;
ALTER TABLE positions
    DROP COLUMN realized_value,
    DROP COLUMN realized_today,
    DROP COLUMN adjusted_at;

DROP TABLE position_days;
DROP TABLE position_adjustments;
