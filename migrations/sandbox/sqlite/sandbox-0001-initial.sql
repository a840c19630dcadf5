-- The sandbox database, first version: the trading tables of main once more, without users.

-- The order book of paper trading.
CREATE TABLE sandbox_orders (
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
        CONSTRAINT ck_sandbox_orders_order_type
            CHECK (order_type IN ('MARKET', 'LIMIT', 'SL', 'SL-M')),
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
    CONSTRAINT pk_sandbox_orders PRIMARY KEY (id),
    CONSTRAINT uq_sandbox_orders_order_id UNIQUE (order_id)
);
CREATE INDEX ix_sandbox_orders_user_status ON sandbox_orders (user_id, status);
CREATE INDEX ix_sandbox_orders_symbol_date ON sandbox_orders (symbol, placed_at);
CREATE INDEX ix_sandbox_orders_user_id_placed_at_id ON sandbox_orders
    (user_id, placed_at DESC, id DESC);

-- The trade book of paper trading. Trade numbers are unique within their order only.
CREATE TABLE sandbox_trades (
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
    CONSTRAINT fk_sandbox_trades_order_id
        FOREIGN KEY (order_id) REFERENCES sandbox_orders (order_id)
);
CREATE INDEX ix_sandbox_trades_user_date ON sandbox_trades
    (user_id, traded_at, symbol, exchange, action, quantity, price);

-- Open positions on paper. The bought and sold values are in millionths of a rupee.
CREATE TABLE sandbox_positions (
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
    CONSTRAINT pk_sandbox_positions PRIMARY KEY (id),
    CONSTRAINT uq_sandbox_positions_user_id_broker_symbol_exchange_product
        UNIQUE (user_id, broker, symbol, exchange, product)
);

-- Shares held on paper.
CREATE TABLE sandbox_holdings (
    id            INTEGER NOT NULL,
    user_id       BIGINT NOT NULL,
    broker        TEXT NOT NULL
        CONSTRAINT ck_sandbox_holdings_broker_length CHECK (length(broker) <= 50),
    symbol        TEXT NOT NULL
        CONSTRAINT ck_sandbox_holdings_symbol_length CHECK (length(symbol) <= 50),
    exchange      TEXT NOT NULL
        CONSTRAINT ck_sandbox_holdings_exchange_length CHECK (length(exchange) <= 20),
    isin          TEXT
        CONSTRAINT ck_sandbox_holdings_isin_length CHECK (length(isin) <= 20),
    quantity      BIGINT NOT NULL DEFAULT 0,
    average_price DOUBLE,
    last_price    DOUBLE,
    pnl           DOUBLE,
    pnl_percent   DOUBLE,
    CONSTRAINT pk_sandbox_holdings PRIMARY KEY (id),
    CONSTRAINT uq_sandbox_holdings_user_id_broker_symbol_exchange
        UNIQUE (user_id, broker, symbol, exchange)
);
