-- Ids may come again: the tables are made anew without AUTOINCREMENT.

CREATE TABLE new_auth_tokens (
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
    key_id        TEXT
        CONSTRAINT ck_auth_tokens_key_id_length CHECK (length(key_id) <= 16),
    CONSTRAINT pk_auth_tokens PRIMARY KEY (id),
    CONSTRAINT uq_auth_tokens_user_id_broker UNIQUE (user_id, broker),
    CONSTRAINT fk_auth_tokens_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);
INSERT INTO new_auth_tokens (
    id, user_id, broker, access_token, refresh_token, feed_token, token_expiry, auth_data,
    created_at, updated_at, key_id
)
SELECT
    id, user_id, broker, access_token, refresh_token, feed_token, token_expiry, auth_data,
    created_at, updated_at, key_id
FROM auth_tokens;
DROP TABLE auth_tokens;
ALTER TABLE new_auth_tokens RENAME TO auth_tokens;

CREATE TABLE new_strategies (
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
INSERT INTO new_strategies (
    id, user_id, name, description, strategy_type, config, is_active, created_at, updated_at
)
SELECT
    id, user_id, name, description, strategy_type, config, is_active, created_at, updated_at
FROM strategies;
DROP TABLE strategies;
ALTER TABLE new_strategies RENAME TO strategies;

CREATE TABLE new_symbols (
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
INSERT INTO new_symbols (
    id, broker, symbol, broker_symbol, token, exchange, broker_exchange, name, instrument_type,
    lot_size, tick_size, expiry, strike, option_type, last_updated
)
SELECT
    id, broker, symbol, broker_symbol, token, exchange, broker_exchange, name, instrument_type,
    lot_size, tick_size, expiry, strike, option_type, last_updated
FROM symbols;
DROP TABLE symbols;
ALTER TABLE new_symbols RENAME TO symbols;
CREATE INDEX ix_symbols_token ON symbols (token);
CREATE INDEX ix_symbols_broker_symbol ON symbols (broker_symbol);
CREATE INDEX ix_symbols_underlying ON symbols (name, expiry, strike) WHERE expiry IS NOT NULL;
