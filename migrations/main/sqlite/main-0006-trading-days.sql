-- Positions by the trading day, orders by broker and number, what brokers report of both.

-- Rules of a table cannot be changed: it is made anew, as SQLite's documentation tells.
CREATE TABLE new_orders (
    id                INTEGER NOT NULL,
    order_id          TEXT NOT NULL
        CONSTRAINT ck_orders_order_id_length CHECK (length(order_id) <= 50),
    user_id           BIGINT NOT NULL,
    broker            TEXT NOT NULL
        CONSTRAINT ck_orders_broker_length CHECK (length(broker) <= 50),
    symbol            TEXT NOT NULL
        CONSTRAINT ck_orders_symbol_length CHECK (length(symbol) <= 50),
    exchange          TEXT NOT NULL
        CONSTRAINT ck_orders_exchange_length CHECK (length(exchange) <= 20),
    action            TEXT NOT NULL
        CONSTRAINT ck_orders_action_length CHECK (length(action) <= 10)
        CONSTRAINT ck_orders_action CHECK (action IN ('BUY', 'SELL')),
    quantity          BIGINT NOT NULL,
    price             DOUBLE,
    trigger_price     DOUBLE,
    order_type        TEXT NOT NULL
        CONSTRAINT ck_orders_order_type_length CHECK (length(order_type) <= 20)
        CONSTRAINT ck_orders_order_type CHECK (order_type IN ('MARKET', 'LIMIT', 'SL', 'SL-M')),
    product           TEXT NOT NULL
        CONSTRAINT ck_orders_product_length CHECK (length(product) <= 20)
        CONSTRAINT ck_orders_product CHECK (product IN ('CNC', 'MIS', 'NRML', 'MTF')),
    status            TEXT NOT NULL
        CONSTRAINT ck_orders_status_length CHECK (length(status) <= 20)
        CONSTRAINT ck_orders_status CHECK (
            status IN ('TRIGGER_PENDING', 'OPEN', 'COMPLETE', 'CANCELLED', 'REJECTED', 'EXPIRED')
        ),
    fill_price        DOUBLE,
    fill_quantity     BIGINT NOT NULL DEFAULT 0,
    placed_at         DATETIME NOT NULL,
    updated_at        DATETIME,
    fill_value        BIGINT NOT NULL DEFAULT 0,
    strategy          TEXT
        CONSTRAINT ck_orders_strategy_length CHECK (length(strategy) <= 100),
    exchange_order_id TEXT
        CONSTRAINT ck_orders_exchange_order_id_length CHECK (length(exchange_order_id) <= 50),
    status_message    TEXT
        CONSTRAINT ck_orders_status_message_length CHECK (length(status_message) <= 1000),
    booked_quantity   BIGINT NOT NULL DEFAULT 0,
    booked_value      BIGINT NOT NULL DEFAULT 0,
    reported_quantity BIGINT NOT NULL DEFAULT 0,
    reported_value    BIGINT NOT NULL DEFAULT 0,
    reported_fill_at  DATETIME,
    reported_at       DATETIME,
    reported_points   JSON,
    CONSTRAINT pk_orders PRIMARY KEY (id),
    CONSTRAINT uq_orders_order_id_broker UNIQUE (order_id, broker),
    CONSTRAINT fk_orders_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);
INSERT INTO new_orders (
    id, order_id, user_id, broker, symbol, exchange, action, quantity, price, trigger_price,
    order_type, product, status, fill_price, fill_quantity, placed_at, updated_at, fill_value,
    booked_quantity, booked_value
)
SELECT
    id, order_id, user_id, broker, symbol, exchange, action, quantity, price, trigger_price,
    order_type, product, status, fill_price, fill_quantity, placed_at, updated_at, fill_value,
    fill_quantity, fill_value
FROM orders;
DROP TABLE orders;
ALTER TABLE new_orders RENAME TO orders;
CREATE INDEX ix_orders_user_status ON orders
    (user_id, status, placed_at DESC, id DESC);
CREATE INDEX ix_orders_symbol_date ON orders (symbol, placed_at);
CREATE INDEX ix_orders_user_id_placed_at_id ON orders
    (user_id, placed_at DESC, id DESC);
CREATE INDEX ix_orders_reported ON orders (user_id, reported_fill_at)
WHERE reported_fill_at IS NOT NULL;

CREATE TABLE new_trades (
    id        INTEGER NOT NULL,
    trade_id  TEXT NOT NULL
        CONSTRAINT ck_trades_trade_id_length CHECK (length(trade_id) <= 50),
    order_id  TEXT
        CONSTRAINT ck_trades_order_id_length CHECK (length(order_id) <= 50),
    user_id   BIGINT NOT NULL,
    broker    TEXT NOT NULL
        CONSTRAINT ck_trades_broker_length CHECK (length(broker) <= 50),
    symbol    TEXT NOT NULL
        CONSTRAINT ck_trades_symbol_length CHECK (length(symbol) <= 50),
    exchange  TEXT NOT NULL
        CONSTRAINT ck_trades_exchange_length CHECK (length(exchange) <= 20),
    action    TEXT NOT NULL
        CONSTRAINT ck_trades_action_length CHECK (length(action) <= 10)
        CONSTRAINT ck_trades_action CHECK (action IN ('BUY', 'SELL')),
    product   TEXT NOT NULL
        CONSTRAINT ck_trades_product_length CHECK (length(product) <= 20)
        CONSTRAINT ck_trades_product CHECK (product IN ('CNC', 'MIS', 'NRML', 'MTF')),
    quantity  BIGINT NOT NULL,
    price     DOUBLE NOT NULL,
    traded_at DATETIME NOT NULL,
    is_fill   BOOLEAN NOT NULL DEFAULT 0
        CONSTRAINT ck_trades_is_fill_boolean CHECK (is_fill IN (0, 1)),
    CONSTRAINT pk_trades PRIMARY KEY (id),
    CONSTRAINT uq_trades_order_id_broker_trade_id UNIQUE (order_id, broker, trade_id),
    CONSTRAINT fk_trades_order_id_broker
        FOREIGN KEY (order_id, broker) REFERENCES orders (order_id, broker),
    CONSTRAINT fk_trades_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);
INSERT INTO new_trades (
    id, trade_id, order_id, user_id, broker, symbol, exchange, action, product, quantity,
    price, traded_at
)
SELECT
    id, trade_id, order_id, user_id, broker, symbol, exchange, action, product, quantity,
    price, traded_at
FROM trades;
DROP TABLE trades;
ALTER TABLE new_trades RENAME TO trades;
CREATE INDEX ix_trades_user_date ON trades
    (user_id, traded_at, symbol, exchange, action, quantity, price);
CREATE UNIQUE INDEX uq_trades_imported
ON trades (user_id, broker, exchange, symbol, trade_id, traded_at, action, product)
WHERE order_id IS NULL;
CREATE INDEX ix_trades_position ON trades
    (user_id, broker, symbol, exchange, product, traded_at, action, quantity);

CREATE TABLE new_positions (
    id                 INTEGER NOT NULL,
    user_id            BIGINT NOT NULL,
    broker             TEXT NOT NULL
        CONSTRAINT ck_positions_broker_length CHECK (length(broker) <= 50),
    symbol             TEXT NOT NULL
        CONSTRAINT ck_positions_symbol_length CHECK (length(symbol) <= 50),
    exchange           TEXT NOT NULL
        CONSTRAINT ck_positions_exchange_length CHECK (length(exchange) <= 20),
    product            TEXT NOT NULL
        CONSTRAINT ck_positions_product_length CHECK (length(product) <= 20)
        CONSTRAINT ck_positions_product CHECK (product IN ('CNC', 'MIS', 'NRML', 'MTF')),
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
    realized_value     BIGINT NOT NULL DEFAULT 0,
    realized_today     BIGINT NOT NULL DEFAULT 0,
    adjusted_at        DATETIME,
    CONSTRAINT pk_positions PRIMARY KEY (id),
    CONSTRAINT uq_positions_user_id_broker_symbol_exchange_product
        UNIQUE (user_id, broker, symbol, exchange, product),
    CONSTRAINT fk_positions_user_id FOREIGN KEY (user_id) REFERENCES users (id)
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
FROM positions;
DROP TABLE positions;
ALTER TABLE new_positions RENAME TO positions;

-- The closed days of positions: each as its last moment left it.
CREATE TABLE position_days (
    id                 INTEGER NOT NULL,
    user_id            BIGINT NOT NULL,
    broker             TEXT NOT NULL
        CONSTRAINT ck_position_days_broker_length CHECK (length(broker) <= 50),
    symbol             TEXT NOT NULL
        CONSTRAINT ck_position_days_symbol_length CHECK (length(symbol) <= 50),
    exchange           TEXT NOT NULL
        CONSTRAINT ck_position_days_exchange_length CHECK (length(exchange) <= 20),
    product            TEXT NOT NULL
        CONSTRAINT ck_position_days_product_length CHECK (length(product) <= 20)
        CONSTRAINT ck_position_days_product CHECK (
            product IN ('CNC', 'MIS', 'NRML', 'MTF')
        ),
    trading_day        DATE NOT NULL,
    overnight_quantity BIGINT NOT NULL DEFAULT 0,
    buy_quantity       BIGINT NOT NULL DEFAULT 0,
    buy_value          BIGINT NOT NULL DEFAULT 0,
    sell_quantity      BIGINT NOT NULL DEFAULT 0,
    sell_value         BIGINT NOT NULL DEFAULT 0,
    realized_value     BIGINT NOT NULL DEFAULT 0,
    realized_today     BIGINT NOT NULL DEFAULT 0,
    last_price         DOUBLE,
    CONSTRAINT pk_position_days PRIMARY KEY (id),
    CONSTRAINT uq_position_days_of_position
        UNIQUE (user_id, broker, symbol, exchange, product, trading_day),
    CONSTRAINT fk_position_days_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE INDEX ix_position_days_user_day ON position_days (user_id, trading_day);

-- What changed positions and was no trade.
CREATE TABLE position_adjustments (
    id                 INTEGER NOT NULL,
    user_id            BIGINT NOT NULL,
    broker             TEXT NOT NULL
        CONSTRAINT ck_position_adjustments_broker_length CHECK (length(broker) <= 50),
    symbol             TEXT NOT NULL
        CONSTRAINT ck_position_adjustments_symbol_length CHECK (length(symbol) <= 50),
    exchange           TEXT NOT NULL
        CONSTRAINT ck_position_adjustments_exchange_length CHECK (length(exchange) <= 20),
    product            TEXT NOT NULL
        CONSTRAINT ck_position_adjustments_product_length CHECK (length(product) <= 20)
        CONSTRAINT ck_position_adjustments_product CHECK (
            product IN ('CNC', 'MIS', 'NRML', 'MTF')
        ),
    kind               TEXT NOT NULL
        CONSTRAINT ck_position_adjustments_kind_length CHECK (length(kind) <= 20)
        CONSTRAINT ck_position_adjustments_kind CHECK (
            kind IN ('ADJUSTMENT', 'CONVERSION', 'REPORT', 'CARRIED_OVER')
        ),
    adjusted_at        DATETIME NOT NULL,
    quantity           BIGINT NOT NULL DEFAULT 0,
    average_price      DOUBLE,
    overnight_quantity BIGINT,
    to_product         TEXT
        CONSTRAINT ck_position_adjustments_to_product_length CHECK (length(to_product) <= 20)
        CONSTRAINT ck_position_adjustments_to_product CHECK (
            to_product IN ('CNC', 'MIS', 'NRML', 'MTF')
        ),
    reason             TEXT
        CONSTRAINT ck_position_adjustments_reason_length CHECK (length(reason) <= 200),
    quantity_before    BIGINT NOT NULL DEFAULT 0,
    average_before     DOUBLE,
    CONSTRAINT pk_position_adjustments PRIMARY KEY (id),
    CONSTRAINT fk_position_adjustments_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE INDEX ix_position_adjustments_instrument ON position_adjustments
    (user_id, broker, symbol, exchange, adjusted_at);

-- A trade counts in its order as far as the order is filled; what was imported afterwards does not.
UPDATE trades SET is_fill = 1
WHERE id IN (
    SELECT id FROM (
        SELECT t.id, o.fill_quantity,
               SUM(t.quantity) OVER (PARTITION BY t.order_id ORDER BY t.id) AS filled
        FROM trades AS t JOIN orders AS o ON o.order_id = t.order_id
    ) AS running
    WHERE filled <= fill_quantity
);

UPDATE positions SET trading_day = '1970-01-01' WHERE trading_day IS NULL;

-- Each position by the days of its trades, where these are all that it was made of: what is open
-- at the end of a day is carried, at its average, into the next one.
CREATE TABLE position_own_days AS
WITH own AS (
    SELECT p.id AS position_id, date(t.traded_at, '+330 minutes') AS trading_day,
           CAST(SUM(CASE t.action WHEN 'BUY' THEN t.quantity ELSE 0 END) AS BIGINT) AS buy_quantity,
           CAST(SUM(CASE t.action WHEN 'SELL' THEN t.quantity ELSE 0 END) AS BIGINT) AS sell_quantity,
           CAST(SUM(CASE t.action WHEN 'BUY' THEN t.quantity ELSE 0 END
               * CAST(ROUND(t.price * 1000000) AS BIGINT)) AS BIGINT) AS buy_value,
           CAST(SUM(CASE t.action WHEN 'SELL' THEN t.quantity ELSE 0 END
               * CAST(ROUND(t.price * 1000000) AS BIGINT)) AS BIGINT) AS sell_value
    FROM trades AS t
    JOIN positions AS p ON p.user_id = t.user_id AND p.broker = t.broker AND p.symbol = t.symbol
     AND p.exchange = t.exchange AND p.product = t.product
    WHERE t.is_fill = 1
    GROUP BY p.id, date(t.traded_at, '+330 minutes')
), made AS (
    SELECT position_id, SUM(buy_quantity) AS buy_quantity, SUM(buy_value) AS buy_value,
           SUM(sell_quantity) AS sell_quantity, SUM(sell_value) AS sell_value
    FROM own GROUP BY position_id
)
SELECT own.position_id, own.trading_day, own.buy_quantity, own.buy_value, own.sell_quantity,
       own.sell_value, ROW_NUMBER() OVER (PARTITION BY own.position_id ORDER BY own.trading_day) AS n
FROM own
JOIN made ON made.position_id = own.position_id
JOIN positions AS p ON p.id = own.position_id
WHERE made.buy_quantity = p.buy_quantity AND made.buy_value = p.buy_value
  AND made.sell_quantity = p.sell_quantity AND made.sell_value = p.sell_value
  AND p.quantity = p.buy_quantity - p.sell_quantity
  AND (p.quantity = 0 OR ABS(p.average_price - CASE
      WHEN p.quantity > 0 THEN CAST(p.buy_value AS DOUBLE PRECISION) / p.buy_quantity / 1000000
      ELSE CAST(p.sell_value AS DOUBLE PRECISION) / p.sell_quantity / 1000000
  END) < 0.000002);

CREATE UNIQUE INDEX ix_position_own_days ON position_own_days (position_id, n);

CREATE TABLE position_pools AS
WITH RECURSIVE pool AS (
    SELECT position_id, n, buy_quantity, buy_value, sell_quantity, sell_value
    FROM position_own_days WHERE n = 1
    UNION ALL
    SELECT o.position_id, o.n,
           o.buy_quantity
               + CASE WHEN p.buy_quantity > p.sell_quantity
                      THEN p.buy_quantity - p.sell_quantity ELSE 0 END,
           o.buy_value
               + CASE WHEN p.buy_quantity > p.sell_quantity
                      THEN p.buy_value / p.buy_quantity * (p.buy_quantity - p.sell_quantity)
                      + (2 * (p.buy_value - p.buy_value / p.buy_quantity * p.buy_quantity)
                         * (p.buy_quantity - p.sell_quantity) + p.buy_quantity)
                      / (2 * p.buy_quantity) ELSE 0 END,
           o.sell_quantity
               + CASE WHEN p.sell_quantity > p.buy_quantity
                      THEN p.sell_quantity - p.buy_quantity ELSE 0 END,
           o.sell_value
               + CASE WHEN p.sell_quantity > p.buy_quantity
                      THEN p.sell_value / p.sell_quantity * (p.sell_quantity - p.buy_quantity)
                      + (2 * (p.sell_value - p.sell_value / p.sell_quantity * p.sell_quantity)
                         * (p.sell_quantity - p.buy_quantity) + p.sell_quantity)
                      / (2 * p.sell_quantity) ELSE 0 END
    FROM pool AS p
    JOIN position_own_days AS o ON o.position_id = p.position_id AND o.n = p.n + 1
)
SELECT o.position_id, o.trading_day, p.buy_quantity, p.buy_value, p.sell_quantity, p.sell_value,
       o.buy_quantity - o.sell_quantity AS day_quantity,
       p.buy_quantity - p.sell_quantity - o.buy_quantity + o.sell_quantity AS overnight_quantity,
       -- All cash of the days before, and what was carried at its value.
       CAST(COALESCE(SUM(o.sell_value - o.buy_value) OVER (
           PARTITION BY o.position_id ORDER BY o.n
           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
       ), 0) AS BIGINT)
       + p.buy_value - o.buy_value - p.sell_value + o.sell_value AS realized_value,
       LEAD(o.n) OVER (PARTITION BY o.position_id ORDER BY o.n) AS next_day
FROM position_own_days AS o
JOIN pool AS p ON p.position_id = o.position_id AND p.n = o.n;

INSERT INTO position_days (
    user_id, broker, symbol, exchange, product, trading_day, overnight_quantity, buy_quantity,
    buy_value, sell_quantity, sell_value, realized_value
)
SELECT p.user_id, p.broker, p.symbol, p.exchange, p.product, d.trading_day, d.overnight_quantity,
       d.buy_quantity, d.buy_value, d.sell_quantity, d.sell_value, d.realized_value
FROM position_pools AS d JOIN positions AS p ON p.id = d.position_id
WHERE d.next_day IS NOT NULL
ORDER BY d.trading_day, p.id;

-- What cannot be told by its trades goes on from what it is: a figure that a broker reported, or a
-- position whose trades are gone. What it has made so far is realised, and what comes later counts
-- on top of it.
INSERT INTO position_adjustments (
    user_id, broker, symbol, exchange, product, kind, adjusted_at, quantity, average_price,
    overnight_quantity, reason, quantity_before, average_before
)
SELECT p.user_id, p.broker, p.symbol, p.exchange, p.product, 'CARRIED_OVER',
       strftime('%Y-%m-%d %H:%M:%f000', 'now'), p.quantity,
       CASE WHEN p.quantity = 0 THEN 0 ELSE COALESCE(p.average_price, 0) END,
       CASE WHEN p.trading_day = date('now', '+330 minutes') THEN p.overnight_quantity ELSE p.quantity END,
       'as an older version had it', p.quantity, p.average_price
FROM positions AS p
WHERE p.id NOT IN (SELECT position_id FROM position_pools);

UPDATE positions AS p SET
    adjusted_at = strftime('%Y-%m-%d %H:%M:%f000', 'now'),
    trading_day = date('now', '+330 minutes'),
    overnight_quantity = CASE
        WHEN p.trading_day = date('now', '+330 minutes') THEN p.overnight_quantity ELSE p.quantity
    END,
    day_quantity = CASE
        WHEN p.trading_day = date('now', '+330 minutes') THEN p.quantity - p.overnight_quantity ELSE 0
    END,
    realized_value = CAST(ROUND(1000000 * (
        COALESCE(p.pnl, 0)
        - p.quantity * (COALESCE(p.last_price, p.average_price, 0) - COALESCE(p.average_price, 0))
    )) AS BIGINT),
    buy_quantity = CASE WHEN p.quantity > 0 THEN p.quantity ELSE 0 END,
    buy_value = CASE WHEN p.quantity > 0 THEN
        p.quantity * CAST(ROUND(COALESCE(p.average_price, 0) * 1000000) AS BIGINT) ELSE 0 END,
    sell_quantity = CASE WHEN p.quantity < 0 THEN -p.quantity ELSE 0 END,
    sell_value = CASE WHEN p.quantity < 0 THEN
        -p.quantity * CAST(ROUND(COALESCE(p.average_price, 0) * 1000000) AS BIGINT) ELSE 0 END,
    average_price = CASE WHEN p.quantity = 0 THEN 0 ELSE COALESCE(p.average_price, 0) END,
    pnl = p.quantity * (
        COALESCE(p.last_price, p.average_price, 0) - COALESCE(p.average_price, 0)
    )
WHERE p.id NOT IN (SELECT position_id FROM position_pools);

UPDATE positions AS p SET
    trading_day = d.trading_day,
    overnight_quantity = d.overnight_quantity,
    day_quantity = d.day_quantity,
    buy_quantity = d.buy_quantity,
    buy_value = d.buy_value,
    sell_quantity = d.sell_quantity,
    sell_value = d.sell_value,
    realized_value = d.realized_value,
    average_price = CASE
        WHEN d.buy_quantity > d.sell_quantity
        THEN CAST(d.buy_value AS DOUBLE PRECISION)
            / (CAST(d.buy_quantity AS DOUBLE PRECISION) * 1000000)
        WHEN d.sell_quantity > d.buy_quantity
        THEN CAST(d.sell_value AS DOUBLE PRECISION)
            / (CAST(d.sell_quantity AS DOUBLE PRECISION) * 1000000)
        ELSE 0
    END,
    pnl = p.pnl - CAST(d.realized_value AS DOUBLE PRECISION) / 1000000
FROM position_pools AS d
WHERE d.position_id = p.id AND d.next_day IS NULL;

DROP TABLE position_pools;
DROP TABLE position_own_days;
