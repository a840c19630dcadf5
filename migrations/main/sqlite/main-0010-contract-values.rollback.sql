-- Symbols of more than 50 characters are gone: the version before cannot hold them.

CREATE TABLE new_symbols (
    id              INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
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
    CONSTRAINT uix_symbol UNIQUE (broker, symbol, exchange)
);
INSERT INTO new_symbols (
    id, broker, symbol, broker_symbol, token, exchange, broker_exchange, name, instrument_type,
    lot_size, tick_size, expiry, strike, option_type, last_updated
)
SELECT
    id, broker, symbol, broker_symbol, token, exchange, broker_exchange, name, instrument_type,
    lot_size, tick_size, expiry, strike, option_type, last_updated
FROM symbols
WHERE length(symbol) <= 50;
DELETE FROM sqlite_sequence WHERE name = 'new_symbols';
UPDATE sqlite_sequence SET name = 'new_symbols' WHERE name = 'symbols'; -- ids never come again
DROP TABLE symbols;
ALTER TABLE new_symbols RENAME TO symbols;
CREATE INDEX ix_symbols_token ON symbols (token);
CREATE INDEX ix_symbols_broker_symbol ON symbols (broker_symbol);
CREATE INDEX ix_symbols_underlying ON symbols (name, expiry, strike) WHERE expiry IS NOT NULL;

ALTER TABLE symbol_loads DROP COLUMN kept;
