-- Ids of holdings and adjustments are used once: a deleted row's is not given again.

-- AUTOINCREMENT cannot be added to a table: it is made anew, as SQLite's documentation tells.
CREATE TABLE new_holdings (
    id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
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
    CONSTRAINT uq_holdings_user_id_broker_symbol_exchange
        UNIQUE (user_id, broker, symbol, exchange),
    CONSTRAINT fk_holdings_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);
INSERT INTO new_holdings (
    id, user_id, broker, symbol, exchange, isin, quantity, average_price, last_price, pnl,
    pnl_percent
)
SELECT
    id, user_id, broker, symbol, exchange, isin, quantity, average_price, last_price, pnl,
    pnl_percent
FROM holdings;
DROP TABLE holdings;
ALTER TABLE new_holdings RENAME TO holdings;

CREATE TABLE new_position_adjustments (
    id                 INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
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
    CONSTRAINT fk_position_adjustments_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);
INSERT INTO new_position_adjustments (
    id, user_id, broker, symbol, exchange, product, kind, adjusted_at, quantity, average_price,
    overnight_quantity, to_product, reason, quantity_before, average_before
)
SELECT
    id, user_id, broker, symbol, exchange, product, kind, adjusted_at, quantity, average_price,
    overnight_quantity, to_product, reason, quantity_before, average_before
FROM position_adjustments;
DROP TABLE position_adjustments;
ALTER TABLE new_position_adjustments RENAME TO position_adjustments;
CREATE INDEX ix_position_adjustments_instrument ON position_adjustments
    (user_id, broker, symbol, exchange, adjusted_at);
