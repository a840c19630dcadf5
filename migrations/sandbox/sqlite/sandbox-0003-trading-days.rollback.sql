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
    FROM sandbox_position_days AS d
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
FROM sandbox_positions AS p
LEFT JOIN own ON own.user_id = p.user_id AND own.broker = p.broker AND own.symbol = p.symbol
     AND own.exchange = p.exchange AND own.product = p.product;

UPDATE sandbox_positions AS p SET
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
UPDATE sandbox_orders SET status = 'CANCELLED' WHERE status = 'EXPIRED';
UPDATE sandbox_orders SET product = 'NRML' WHERE product = 'MTF';
UPDATE sandbox_trades SET product = 'NRML' WHERE product = 'MTF';
UPDATE sandbox_positions SET product = 'NRML' WHERE product = 'MTF';

CREATE TABLE new_orders (
    id            INTEGER NOT NULL,
    order_id      TEXT NOT NULL
        CONSTRAINT ck_sandbox_orders_order_id_length CHECK (length(order_id) <= 50),
    user_id       BIGINT NOT NULL,
    broker        TEXT NOT NULL
        CONSTRAINT ck_sandbox_orders_broker_length CHECK (length(broker) <= 50),
    symbol        TEXT NOT NULL
        CONSTRAINT ck_sandbox_orders_symbol_length CHECK (length(symbol) <= 50),
    exchange      TEXT NOT NULL
        CONSTRAINT ck_sandbox_orders_exchange_length CHECK (length(exchange) <= 20),
    action        TEXT NOT NULL
        CONSTRAINT ck_sandbox_orders_action_length CHECK (length(action) <= 10)
        CONSTRAINT ck_sandbox_orders_action CHECK (action IN ('BUY', 'SELL')),
    quantity      BIGINT NOT NULL,
    price         DOUBLE,
    trigger_price DOUBLE,
    order_type    TEXT NOT NULL
        CONSTRAINT ck_sandbox_orders_order_type_length CHECK (length(order_type) <= 20)
        CONSTRAINT ck_sandbox_orders_order_type CHECK (order_type IN ('MARKET', 'LIMIT', 'SL', 'SL-M')),
    product       TEXT NOT NULL
        CONSTRAINT ck_sandbox_orders_product_length CHECK (length(product) <= 20)
        CONSTRAINT ck_sandbox_orders_product CHECK (product IN ('CNC', 'MIS', 'NRML')),
    status        TEXT NOT NULL
        CONSTRAINT ck_sandbox_orders_status_length CHECK (length(status) <= 20)
        CONSTRAINT ck_sandbox_orders_status CHECK (
            status IN ('TRIGGER_PENDING', 'OPEN', 'COMPLETE', 'CANCELLED', 'REJECTED')
        ),
    fill_price    DOUBLE,
    fill_quantity BIGINT NOT NULL DEFAULT 0,
    placed_at     DATETIME NOT NULL,
    updated_at    DATETIME,
    fill_value    BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT pk_sandbox_orders PRIMARY KEY (id),
    CONSTRAINT uq_sandbox_orders_order_id UNIQUE (order_id)
);
INSERT INTO new_orders (
    id, order_id, user_id, broker, symbol, exchange, action, quantity, price, trigger_price,
    order_type, product, status, fill_price, fill_quantity, placed_at, updated_at, fill_value
)
SELECT
    id, order_id, user_id, broker, symbol, exchange, action, quantity, price, trigger_price,
    order_type, product, status, fill_price, fill_quantity, placed_at, updated_at, fill_value
FROM sandbox_orders;
DROP TABLE sandbox_orders;
ALTER TABLE new_orders RENAME TO sandbox_orders;
CREATE INDEX ix_sandbox_orders_user_status ON sandbox_orders
    (user_id, status, placed_at DESC, id DESC);
CREATE INDEX ix_sandbox_orders_symbol_date ON sandbox_orders (symbol, placed_at);
CREATE INDEX ix_sandbox_orders_user_id_placed_at_id ON sandbox_orders
    (user_id, placed_at DESC, id DESC);

CREATE TABLE new_trades (
    id        INTEGER NOT NULL,
    trade_id  TEXT NOT NULL
        CONSTRAINT ck_sandbox_trades_trade_id_length CHECK (length(trade_id) <= 50),
    order_id  TEXT
        CONSTRAINT ck_sandbox_trades_order_id_length CHECK (length(order_id) <= 50),
    user_id   BIGINT NOT NULL,
    broker    TEXT NOT NULL
        CONSTRAINT ck_sandbox_trades_broker_length CHECK (length(broker) <= 50),
    symbol    TEXT NOT NULL
        CONSTRAINT ck_sandbox_trades_symbol_length CHECK (length(symbol) <= 50),
    exchange  TEXT NOT NULL
        CONSTRAINT ck_sandbox_trades_exchange_length CHECK (length(exchange) <= 20),
    action    TEXT NOT NULL
        CONSTRAINT ck_sandbox_trades_action_length CHECK (length(action) <= 10)
        CONSTRAINT ck_sandbox_trades_action CHECK (action IN ('BUY', 'SELL')),
    product   TEXT NOT NULL
        CONSTRAINT ck_sandbox_trades_product_length CHECK (length(product) <= 20)
        CONSTRAINT ck_sandbox_trades_product CHECK (product IN ('CNC', 'MIS', 'NRML')),
    quantity  BIGINT NOT NULL,
    price     DOUBLE NOT NULL,
    traded_at DATETIME NOT NULL,
    CONSTRAINT pk_sandbox_trades PRIMARY KEY (id),
    CONSTRAINT uq_sandbox_trades_order_id_trade_id UNIQUE (order_id, trade_id),
    CONSTRAINT fk_sandbox_trades_order_id FOREIGN KEY (order_id) REFERENCES sandbox_orders (order_id)
);
INSERT INTO new_trades (
    id, trade_id, order_id, user_id, broker, symbol, exchange, action, product, quantity,
    price, traded_at
)
SELECT
    id, trade_id, order_id, user_id, broker, symbol, exchange, action, product, quantity,
    price, traded_at
FROM sandbox_trades;
DROP TABLE sandbox_trades;
ALTER TABLE new_trades RENAME TO sandbox_trades;
CREATE INDEX ix_sandbox_trades_user_date ON sandbox_trades
    (user_id, traded_at, symbol, exchange, action, quantity, price);
CREATE UNIQUE INDEX uq_sandbox_trades_imported
ON sandbox_trades (user_id, broker, exchange, symbol, trade_id, traded_at, action, product)
WHERE order_id IS NULL;

CREATE TABLE new_positions (
    id                 INTEGER NOT NULL,
    user_id            BIGINT NOT NULL,
    broker             TEXT NOT NULL
        CONSTRAINT ck_sandbox_positions_broker_length CHECK (length(broker) <= 50),
    symbol             TEXT NOT NULL
        CONSTRAINT ck_sandbox_positions_symbol_length CHECK (length(symbol) <= 50),
    exchange           TEXT NOT NULL
        CONSTRAINT ck_sandbox_positions_exchange_length CHECK (length(exchange) <= 20),
    product            TEXT NOT NULL
        CONSTRAINT ck_sandbox_positions_product_length CHECK (length(product) <= 20)
        CONSTRAINT ck_sandbox_positions_product CHECK (product IN ('CNC', 'MIS', 'NRML')),
    quantity           BIGINT NOT NULL DEFAULT 0,
    average_price      DOUBLE,
    last_price         DOUBLE,
    pnl                DOUBLE,
    day_quantity       BIGINT NOT NULL DEFAULT 0,
    overnight_quantity BIGINT NOT NULL DEFAULT 0,
    buy_quantity       BIGINT NOT NULL DEFAULT 0,
    buy_value          BIGINT NOT NULL DEFAULT 0,
    sell_quantity      BIGINT NOT NULL DEFAULT 0,
    sell_value         BIGINT NOT NULL DEFAULT 0,
    trading_day        DATE,
    CONSTRAINT pk_sandbox_positions PRIMARY KEY (id),
    CONSTRAINT uq_sandbox_positions_user_id_broker_symbol_exchange_product
        UNIQUE (user_id, broker, symbol, exchange, product)
);
INSERT INTO new_positions (
    id, user_id, broker, symbol, exchange, product, quantity, average_price, last_price, pnl,
    day_quantity, overnight_quantity, buy_quantity, buy_value, sell_quantity, sell_value,
    trading_day
)
SELECT
    id, user_id, broker, symbol, exchange, product, quantity, average_price, last_price, pnl,
    day_quantity, overnight_quantity, buy_quantity, buy_value, sell_quantity, sell_value,
    trading_day
FROM sandbox_positions;
DROP TABLE sandbox_positions;
ALTER TABLE new_positions RENAME TO sandbox_positions;

DROP TABLE sandbox_position_days;
DROP TABLE sandbox_position_adjustments;
