-- The main database, first version.

-- Who may log in. Names are unique by their folded keys, so without regard to case.
CREATE TABLE users (
    id            INTEGER NOT NULL,
    username      TEXT NOT NULL
        CONSTRAINT ck_users_username_length CHECK (length(username) <= 80),
    username_key  TEXT NOT NULL
        CONSTRAINT ck_users_username_key_length CHECK (length(username_key) <= 240),
    email         TEXT NOT NULL
        CONSTRAINT ck_users_email_length CHECK (length(email) <= 120),
    email_key     TEXT NOT NULL
        CONSTRAINT ck_users_email_key_length CHECK (length(email_key) <= 360),
    password_hash TEXT NOT NULL
        CONSTRAINT ck_users_password_hash_length CHECK (length(password_hash) <= 255),
    created_at    DATETIME NOT NULL,
    is_active     BOOLEAN NOT NULL DEFAULT 1
        CONSTRAINT ck_users_is_active_boolean CHECK (is_active IN (0, 1)),
    CONSTRAINT pk_users PRIMARY KEY (id),
    CONSTRAINT uq_users_username_key UNIQUE (username_key),
    CONSTRAINT uq_users_email_key UNIQUE (email_key)
);

-- Digests of the keys that programs log in with.
CREATE TABLE api_keys (
    id         INTEGER NOT NULL,
    user_id    BIGINT NOT NULL,
    api_key    TEXT NOT NULL
        CONSTRAINT ck_api_keys_api_key_length CHECK (length(api_key) <= 64),
    name       TEXT
        CONSTRAINT ck_api_keys_name_length CHECK (length(name) <= 100),
    created_at DATETIME NOT NULL,
    last_used  DATETIME,
    is_active  BOOLEAN NOT NULL DEFAULT 1
        CONSTRAINT ck_api_keys_is_active_boolean CHECK (is_active IN (0, 1)),
    CONSTRAINT pk_api_keys PRIMARY KEY (id),
    CONSTRAINT uq_api_keys_api_key UNIQUE (api_key),
    CONSTRAINT fk_api_keys_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE INDEX ix_api_keys_user_id ON api_keys (user_id);

-- A user's session with a broker, the tokens encrypted.
CREATE TABLE auth_tokens (
    id            INTEGER NOT NULL,
    user_id       BIGINT NOT NULL,
    broker        TEXT NOT NULL
        CONSTRAINT ck_auth_tokens_broker_length CHECK (length(broker) <= 50),
    access_token  TEXT,
    refresh_token TEXT,
    feed_token    TEXT,
    token_expiry  DATETIME,
    auth_data     JSON,
    created_at    DATETIME NOT NULL,
    updated_at    DATETIME,
    CONSTRAINT pk_auth_tokens PRIMARY KEY (id),
    CONSTRAINT uq_auth_tokens_user_id_broker UNIQUE (user_id, broker),
    CONSTRAINT fk_auth_tokens_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);

-- The order book.
CREATE TABLE orders (
    id            INTEGER NOT NULL,
    order_id      TEXT NOT NULL
        CONSTRAINT ck_orders_order_id_length CHECK (length(order_id) <= 50),
    user_id       BIGINT NOT NULL,
    broker        TEXT NOT NULL
        CONSTRAINT ck_orders_broker_length CHECK (length(broker) <= 50),
    symbol        TEXT NOT NULL
        CONSTRAINT ck_orders_symbol_length CHECK (length(symbol) <= 50),
    exchange      TEXT NOT NULL
        CONSTRAINT ck_orders_exchange_length CHECK (length(exchange) <= 20),
    action        TEXT NOT NULL
        CONSTRAINT ck_orders_action_length CHECK (length(action) <= 10)
        CONSTRAINT ck_orders_action CHECK (action IN ('BUY', 'SELL')),
    quantity      BIGINT NOT NULL,
    price         DOUBLE,
    trigger_price DOUBLE,
    order_type    TEXT NOT NULL
        CONSTRAINT ck_orders_order_type_length CHECK (length(order_type) <= 20)
        CONSTRAINT ck_orders_order_type CHECK (order_type IN ('MARKET', 'LIMIT', 'SL', 'SL-M')),
    product       TEXT NOT NULL
        CONSTRAINT ck_orders_product_length CHECK (length(product) <= 20)
        CONSTRAINT ck_orders_product CHECK (product IN ('CNC', 'MIS', 'NRML')),
    status        TEXT NOT NULL
        CONSTRAINT ck_orders_status_length CHECK (length(status) <= 20)
        CONSTRAINT ck_orders_status CHECK (
            status IN ('TRIGGER_PENDING', 'OPEN', 'COMPLETE', 'CANCELLED', 'REJECTED')
        ),
    fill_price    DOUBLE,
    fill_quantity BIGINT NOT NULL DEFAULT 0,
    placed_at     DATETIME NOT NULL,
    updated_at    DATETIME,
    CONSTRAINT pk_orders PRIMARY KEY (id),
    CONSTRAINT uq_orders_order_id UNIQUE (order_id),
    CONSTRAINT fk_orders_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE INDEX ix_orders_user_status ON orders (user_id, status);
CREATE INDEX ix_orders_symbol_date ON orders (symbol, placed_at);
CREATE INDEX ix_orders_user_id_placed_at_id ON orders (user_id, placed_at DESC, id DESC);

-- The trade book. Exchange trade numbers repeat, so one is unique within its order only.
CREATE TABLE trades (
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
        CONSTRAINT ck_trades_product CHECK (product IN ('CNC', 'MIS', 'NRML')),
    quantity  BIGINT NOT NULL,
    price     DOUBLE NOT NULL,
    traded_at DATETIME NOT NULL,
    CONSTRAINT pk_trades PRIMARY KEY (id),
    CONSTRAINT uq_trades_order_id_trade_id UNIQUE (order_id, trade_id),
    CONSTRAINT fk_trades_order_id FOREIGN KEY (order_id) REFERENCES orders (order_id),
    CONSTRAINT fk_trades_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE INDEX ix_trades_user_date ON trades
    (user_id, traded_at, symbol, exchange, action, quantity, price);

-- Open positions. The bought and sold values are in millionths of a rupee.
CREATE TABLE positions (
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
        CONSTRAINT ck_positions_product CHECK (product IN ('CNC', 'MIS', 'NRML')),
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
    CONSTRAINT pk_positions PRIMARY KEY (id),
    CONSTRAINT uq_positions_user_id_broker_symbol_exchange_product
        UNIQUE (user_id, broker, symbol, exchange, product),
    CONSTRAINT fk_positions_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);

-- Shares held for delivery.
CREATE TABLE holdings (
    id            INTEGER NOT NULL,
    user_id       BIGINT NOT NULL,
    broker        TEXT NOT NULL
        CONSTRAINT ck_holdings_broker_length CHECK (length(broker) <= 50),
    symbol        TEXT NOT NULL
        CONSTRAINT ck_holdings_symbol_length CHECK (length(symbol) <= 50),
    exchange      TEXT NOT NULL
        CONSTRAINT ck_holdings_exchange_length CHECK (length(exchange) <= 20),
    isin          TEXT
        CONSTRAINT ck_holdings_isin_length CHECK (length(isin) <= 20),
    quantity      BIGINT NOT NULL DEFAULT 0,
    average_price DOUBLE,
    last_price    DOUBLE,
    pnl           DOUBLE,
    pnl_percent   DOUBLE,
    CONSTRAINT pk_holdings PRIMARY KEY (id),
    CONSTRAINT uq_holdings_user_id_broker_symbol_exchange
        UNIQUE (user_id, broker, symbol, exchange),
    CONSTRAINT fk_holdings_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);

-- Strategies with their settings.
CREATE TABLE strategies (
    id            INTEGER NOT NULL,
    user_id       BIGINT NOT NULL,
    name          TEXT NOT NULL
        CONSTRAINT ck_strategies_name_length CHECK (length(name) <= 100),
    description   TEXT,
    strategy_type TEXT
        CONSTRAINT ck_strategies_strategy_type_length CHECK (length(strategy_type) <= 50)
        CONSTRAINT ck_strategies_strategy_type
            CHECK (strategy_type IN ('webhook', 'python', 'chartink')),
    config        JSON,
    is_active     BOOLEAN NOT NULL DEFAULT 0
        CONSTRAINT ck_strategies_is_active_boolean CHECK (is_active IN (0, 1)),
    created_at    DATETIME NOT NULL,
    updated_at    DATETIME,
    CONSTRAINT pk_strategies PRIMARY KEY (id),
    CONSTRAINT uq_strategies_user_id_name UNIQUE (user_id, name),
    CONSTRAINT fk_strategies_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);

-- The symbol master of each broker, replaced every day.
CREATE TABLE symbols (
    id              INTEGER NOT NULL,
    broker          TEXT NOT NULL
        CONSTRAINT ck_symbols_broker_length CHECK (length(broker) <= 50),
    symbol          TEXT NOT NULL
        CONSTRAINT ck_symbols_symbol_length CHECK (length(symbol) <= 50),
    broker_symbol   TEXT NOT NULL
        CONSTRAINT ck_symbols_broker_symbol_length CHECK (length(broker_symbol) <= 100),
    token           TEXT NOT NULL
        CONSTRAINT ck_symbols_token_length CHECK (length(token) <= 50),
    exchange        TEXT NOT NULL
        CONSTRAINT ck_symbols_exchange_length CHECK (length(exchange) <= 20),
    broker_exchange TEXT
        CONSTRAINT ck_symbols_broker_exchange_length CHECK (length(broker_exchange) <= 20),
    name            TEXT
        CONSTRAINT ck_symbols_name_length CHECK (length(name) <= 100),
    instrument_type TEXT
        CONSTRAINT ck_symbols_instrument_type_length CHECK (length(instrument_type) <= 20),
    lot_size        BIGINT,
    tick_size       DOUBLE,
    expiry          DATE,
    strike          DOUBLE,
    option_type     TEXT
        CONSTRAINT ck_symbols_option_type_length CHECK (length(option_type) <= 5),
    last_updated    DATETIME NOT NULL,
    CONSTRAINT pk_symbols PRIMARY KEY (id),
    CONSTRAINT uix_symbol UNIQUE (broker, symbol, exchange)
);
CREATE INDEX ix_symbols_token ON symbols (token);
CREATE INDEX ix_symbols_broker_symbol ON symbols (broker_symbol);
CREATE INDEX ix_symbols_underlying ON symbols (name, expiry, strike) WHERE expiry IS NOT NULL;

-- What each load of a symbol master did, or why it was refused.
CREATE TABLE symbol_loads (
    id                 INTEGER NOT NULL,
    broker             TEXT NOT NULL
        CONSTRAINT ck_symbol_loads_broker_length CHECK (length(broker) <= 50),
    status             TEXT NOT NULL
        CONSTRAINT ck_symbol_loads_status_length CHECK (length(status) <= 20)
        CONSTRAINT ck_symbol_loads_status CHECK (status IN ('loaded', 'refused')),
    started_at         DATETIME NOT NULL,
    total              BIGINT NOT NULL,
    inserted           BIGINT NOT NULL,
    updated            BIGINT NOT NULL,
    deleted            BIGINT NOT NULL,
    unchanged          BIGINT NOT NULL,
    rejected           BIGINT NOT NULL,
    rejected_by_reason JSON NOT NULL,
    rejected_rows      JSON NOT NULL,
    renamed            JSON NOT NULL,
    read_seconds       DOUBLE NOT NULL,
    validate_seconds   DOUBLE NOT NULL,
    write_seconds      DOUBLE NOT NULL,
    error              TEXT,
    CONSTRAINT pk_symbol_loads PRIMARY KEY (id)
);
CREATE INDEX ix_symbol_loads_broker_id ON symbol_loads (broker, id);
