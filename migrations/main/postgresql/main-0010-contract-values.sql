-- Symbols of up to 64 characters, and how much of a crypto contract's underlying one contract is.
-- A load counts the rows that it kept although it could not read them that day.

ALTER TABLE symbols DROP CONSTRAINT ck_symbols_symbol_length;
ALTER TABLE symbols ADD CONSTRAINT ck_symbols_symbol_length CHECK (length(symbol) <= 64);
ALTER TABLE symbols ADD COLUMN contract_value DOUBLE PRECISION;
ALTER TABLE symbol_loads ADD COLUMN kept BIGINT NOT NULL DEFAULT 0;
